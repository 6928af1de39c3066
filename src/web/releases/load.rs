//! What the new releases page loads from the database.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::preferences::Preferences;
use crate::domain::release::Release;
use crate::domain::release_filter::{self, Categories, Category, Match, SkipReason};
use crate::domain::user::UserId;
use crate::store::outbox::{self, DeliveryStatus, Entry};
use crate::store::users::{self, User};
use crate::store::{StoreError, Tx, preferences, releases};
use crate::web::time::DisplayTime;

/// Items per page.
const PER_PAGE: usize = 30;

/// Rows to read at once …
const AT_A_TIME: usize = 60;

/// … and for one page. A page of a rare kind shows the matches among these rows and a link to continue.
const LOOKED_THROUGH: usize = 600;

const WITHDRAWN: &str = "you removed Dropday’s access at Spotify";

const BOUNCING: &str = "emails to your address bounce";

/// The parsed query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter {
    /// Only this kind.
    pub(super) kind: Option<Category>,
    /// Only items before this position.
    pub(super) before: Option<i64>,
}

pub(super) struct ReleaseList {
    pub(super) items: Vec<Item>,
    /// Where the next page starts.
    pub(super) older: Option<i64>,
    /// Whether the list of the chosen kind is checked for this user.
    pub(super) is_pending: bool,
    pub(super) zone: TimeZone,
}

pub(super) struct Item {
    place: i64,
    pub(super) release: Release,
    pub(super) kind: Category,
    pub(super) released: Option<DisplayTime>,
    /// The user's artists who appear on it, if it is by others.
    pub(super) guests: Vec<String>,
    pub(super) seen_at: Timestamp,
    pub(super) status: DeliveryStatus,
}

impl Item {
    pub(super) fn label(&self) -> &'static str {
        self.kind.label(self.release.tracks)
    }
}

pub(super) fn load(
    tx: &Tx<'_>,
    user: UserId,
    filter: Filter,
) -> Result<Option<ReleaseList>, StoreError> {
    let Some(known) = users::find(tx, user)? else { return Ok(None) };
    let Some(wanted) = preferences::of(tx, user)? else { return Ok(None) };
    let (mut items, mut looked_through) = (Vec::new(), 0);
    let mut before = filter.before.unwrap_or(i64::MAX);
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
            items.extend(item(tx, &known, entry, &wanted, filter.kind)?);
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
    let is_pending = filter.kind.is_none_or(|kind| is_pending(kind, wanted.categories));
    Ok(Some(ReleaseList { items, older, is_pending, zone: wanted.digest_schedule.zone }))
}

/// `None` if the entry is of another kind, or from a list that is checked only for other users, of which this
/// user would see an arbitrary part.
fn item(
    tx: &Tx<'_>,
    user: &User,
    entry: Entry,
    wanted: &Preferences,
    only: Option<Category>,
) -> Result<Option<Item>, StoreError> {
    let Entry { place, release, seen_at, status } = entry;
    let reasons = releases::reasons(tx, &release.id, user.id)?;
    let appears = !reasons.is_empty() && reasons.iter().all(|reason| reason.appears);
    let kind = release_filter::category(&release, appears);
    let is_untold = matches!(status, DeliveryStatus::Unwanted(_) | DeliveryStatus::Unconfirmed);
    let is_for_others = is_untold && !is_pending(kind, wanted.categories);
    if is_for_others || only.is_some_and(|only| only != kind) {
        return Ok(None);
    }
    let status = match status {
        DeliveryStatus::Pending(..) if user.deleted_at.is_some() => {
            DeliveryStatus::Unwanted(WITHDRAWN.to_owned())
        }
        DeliveryStatus::Pending(..) if user.bouncing_since.is_some() => {
            DeliveryStatus::Unwanted(BOUNCING.to_owned())
        }
        status => current_status(status, &release, &reasons, wanted),
    };
    let guests = match kind {
        Category::Appearance => reasons.into_iter().map(|reason| reason.name).collect(),
        _ => Vec::new(),
    };
    let released = DisplayTime::released(release.date);
    Ok(Some(Item { place, release, kind, released, guests, seen_at, status }))
}

/// Whether releases of this kind are found whatever other users want. Albums always are, including live
/// albums and remixes.
fn is_pending(kind: Category, categories: Categories) -> bool {
    match kind {
        Category::Album | Category::Live | Category::Remixes => true,
        Category::Single => categories.singles,
        Category::Compilation => categories.compilations,
        Category::Appearance => categories.appearances,
    }
}

/// A pending notification that would be dropped from its email counts as dropped.
fn current_status(
    status: DeliveryStatus,
    release: &Release,
    reasons: &[Match],
    wanted: &Preferences,
) -> DeliveryStatus {
    let (DeliveryStatus::Pending(..) | DeliveryStatus::Unconfirmed) = status else { return status };
    if !wanted.is_subscribed {
        return DeliveryStatus::Unwanted(SkipReason::Unsubscribed.to_string());
    }
    match release_filter::evaluate(release, reasons, wanted.categories) {
        Ok(()) => status,
        Err(why) => DeliveryStatus::Unwanted(why.to_string()),
    }
}
