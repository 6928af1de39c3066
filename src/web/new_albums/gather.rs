//! What the page of new albums shows, as the database has it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::preferences::Preferences;
use crate::domain::release::Release;
use crate::domain::release_filter::{self, Categories, Category, Match, SkipReason};
use crate::domain::user::UserId;
use crate::store::outbox::{self, Entry, Told};
use crate::store::users::{self, User};
use crate::store::{StoreError, Tx, preferences, releases};
use crate::web::when::When;

/// Items on a page.
const PER_PAGE: usize = 30;

/// So many are read at a time …
const AT_A_TIME: usize = 60;

/// … and so many for one page: of what is rare, a page shows what is among these, and where to look on.
const LOOKED_THROUGH: usize = 600;

/// Why somebody is told nothing who took their consent back.
const WITHDRAWN: &str = "you have withdrawn Dropday’s permission at Spotify";

/// Why somebody is told nothing whose address bounces, until they confirm one.
const BOUNCING: &str = "letters to your address come back";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// One kind alone.
    pub(super) kind: Option<Category>,
    /// What was seen before this place.
    pub(super) before: Option<i64>,
}

/// What there is.
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    /// Where to look on.
    pub(super) older: Option<i64>,
    /// Whether what is of the chosen kind is looked for on the user's behalf.
    pub(super) is_looked_for: bool,
    pub(super) zone: TimeZone,
}

/// A release on the page.
pub(super) struct Item {
    place: i64,
    pub(super) release: Release,
    pub(super) kind: Category,
    pub(super) released: Option<When>,
    /// Who of the user's artists appears on it, where it is somebody else's.
    pub(super) guests: Vec<String>,
    pub(super) seen_at: Timestamp,
    pub(super) told: Told,
}

pub(super) fn gather(tx: &Tx<'_>, user: UserId, wish: Wish) -> Result<Option<Found>, StoreError> {
    let Some(known) = users::find(tx, user)? else { return Ok(None) };
    let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
    let (mut items, mut looked_through) = (Vec::new(), 0);
    let mut before = wish.before.unwrap_or(i64::MAX);
    let mut older = None;
    loop {
        let read = match known.address {
            Some(_) => outbox::stream(tx, user, before, AT_A_TIME)?,
            None => outbox::unconfirmed_stream(tx, user, PER_PAGE)?,
        };
        let is_last = known.address.is_none() || read.rows < AT_A_TIME;
        looked_through += read.rows;
        before = read.last_place.unwrap_or(before);
        for entry in read.entries {
            items.extend(item(tx, &known, entry, &wanted, wish.kind)?);
        }
        if items.len() > PER_PAGE {
            items.truncate(PER_PAGE);
            older = items.last().map(|item| item.place);
            break;
        }
        if is_last {
            break;
        }
        if looked_through >= LOOKED_THROUGH {
            older = Some(before);
            break;
        }
    }
    let is_looked_for = wish.kind.is_none_or(|kind| is_looked_for(kind, wanted.kinds));
    Ok(Some(Found { items, older, is_looked_for, zone: wanted.digest_schedule.zone }))
}

/// The entry as the page shows it; `None` where it is of another kind, or of a list that is looked at for
/// others' sake alone, of which the user would see an arbitrary part.
fn item(
    tx: &Tx<'_>,
    user: &User,
    entry: Entry,
    wanted: &Preferences,
    only: Option<Category>,
) -> Result<Option<Item>, StoreError> {
    let Entry { place, release, seen_at, told } = entry;
    let reasons = releases::reasons(tx, &release.id, user.id)?;
    let appears = !reasons.is_empty() && reasons.iter().all(|reason| reason.appears);
    let kind = release_filter::kind(&release, appears);
    let is_untold = matches!(told, Told::Unwanted(_) | Told::Unconfirmed);
    let is_for_others = is_untold && !is_looked_for(kind, wanted.kinds);
    if is_for_others || only.is_some_and(|only| only != kind) {
        return Ok(None);
    }
    let told = match told {
        Told::Owed(..) if user.deleted_at.is_some() => Told::Unwanted(WITHDRAWN.to_owned()),
        Told::Owed(..) if user.bouncing_since.is_some() => Told::Unwanted(BOUNCING.to_owned()),
        told => as_things_stand(told, &release, &reasons, wanted),
    };
    let guests = match kind {
        Category::Appearance => reasons.into_iter().map(|reason| reason.name).collect(),
        _ => Vec::new(),
    };
    let released = When::released(release.date);
    Ok(Some(Item { place, release, kind, released, guests, seen_at, told }))
}

/// Whether what is of this kind is seen whatever others want: albums always are, live and of remixes too.
fn is_looked_for(kind: Category, kinds: Categories) -> bool {
    match kind {
        Category::Album | Category::Live | Category::Remixes => true,
        Category::Single => kinds.singles,
        Category::Compilation => kinds.compilations,
        Category::Appearance => kinds.appearances,
    }
}

/// What is owed and would be taken out of its email is as good as taken out.
fn as_things_stand(told: Told, release: &Release, reasons: &[Match], wanted: &Preferences) -> Told {
    let (Told::Owed(..) | Told::Unconfirmed) = told else { return told };
    if !wanted.is_subscribed {
        return Told::Unwanted(SkipReason::Unsubscribed.to_string());
    }
    match release_filter::evaluate(release, reasons, wanted.kinds) {
        Ok(()) => told,
        Err(why) => Told::Unwanted(why.to_string()),
    }
}
