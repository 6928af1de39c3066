//! News, samples of it and the welcome: which releases an email tells to this user, and how their watch stands.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

use super::link;
use super::load::{Facts, to_confirmed};
use crate::accounts::email_links::Purpose;
use crate::context::Ctx;
use crate::domain::check_planner;
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::domain::edition;
use crate::domain::overdue::WhyOverdue;
use crate::domain::preferences::Preferences;
use crate::domain::release::{Release, ReleaseId, ReleaseKind};
use crate::domain::release_filter::{self, Match, SkipReason};
use crate::email::message::{Email, RenderError};
use crate::email::messages::assurance::{Assurance, Checks};
use crate::email::messages::kind::Kind;
use crate::email::messages::news::{MuteLink, News, NewsItem, Sample};
use crate::email::messages::welcome::Welcome;
use crate::store::outbox::Claimed;
use crate::store::status::{self, Artists};
use crate::store::users::User;
use crate::store::{StoreError, Tx, editions, outbox, overdue, preferences, releases};

/// Releases that a welcome chooses from …
const MAX_RECENT: u32 = 500;

/// … and tells.
const RECENT_NOTIFIED: usize = 10;

/// Releases in a sample …
const SAMPLED: usize = 3;

/// … among so many of the latest news.
const SAMPLED_FROM: usize = 60;

/// An email with news, as the database has it.
pub(super) struct Told {
    user: User,
    digest_schedule: DigestSchedule,
    releases: Vec<Item>,
    assurance: Option<Assurance>,
    today: Date,
    sample: Option<Sample>,
}

/// A welcome, as the database has it.
pub(super) struct Welcomed {
    told: Told,
    artists: Artists,
}

/// A release, and why it is told.
struct Item {
    release: Release,
    because: Vec<Match>,
    also_as: Vec<String>,
}

pub(super) fn gather(
    tx: &Tx<'_>,
    claimed: &Claimed,
    user: User,
    settings: &check_planner::Settings,
) -> Result<Facts, StoreError> {
    let Some(wanted) = preferences::of(tx, user.id)? else {
        return Ok(Facts::Unwanted("the person has left"));
    };
    let mut told = Vec::new();
    for id in claimed.subjects.iter().filter_map(|subject| ReleaseId::parse(subject)) {
        let Some(release) = releases::find(tx, &id)? else {
            outbox::drop_subject(tx, claimed.email, id.as_str(), "the album is no longer known")?;
            continue;
        };
        let because = releases::reasons(tx, &id, user.id)?;
        match judge(tx, &release, &because, &wanted)? {
            Ok(()) => told.push(item(tx, release, because)?),
            Err(why) => outbox::unwanted(tx, claimed.email, id.as_str(), &why.to_string())?,
        }
    }
    if told.is_empty() {
        return Ok(Facts::Unwanted("nothing of it is known and wanted any more"));
    }
    // What a long email leaves out is rather a single than an album.
    told.sort_by_key(|item| item.release.kind == ReleaseKind::Single);
    let artists = status::artists_of(tx, Some(user.id), settings)?;
    let assurance = assurance(tx, &user, &wanted.digest_schedule, &artists, settings)?;
    Ok(addressed(tx, user, wanted, told, assurance, Facts::News))
}

/// The latest of the user's artists, whatever they want to be told but of those who are muted; else something made up.
pub(super) fn gather_sample(
    tx: &Tx<'_>,
    user: User,
    settings: &check_planner::Settings,
) -> Result<Facts, StoreError> {
    let Some(wanted) = preferences::of(tx, user.id)? else {
        return Ok(Facts::Unwanted("the person has left"));
    };
    if user.deleted_at.is_some() {
        return Ok(Facts::Unwanted("the person has withdrawn their permission"));
    }
    let news = outbox::stream(tx, user.id, i64::MAX, SAMPLED_FROM)?.entries;
    let mut latest = sampled(tx, &user, news.into_iter().map(|entry| entry.release))?;
    if latest.is_empty() {
        latest = sampled(tx, &user, releases::latest_of(tx, user.id, SAMPLED)?)?;
    }
    let sample = Some(if latest.is_empty() { Sample::MadeUp } else { Sample::Own });
    let artists = status::artists_of(tx, Some(user.id), settings)?;
    let assurance = assurance(tx, &user, &wanted.digest_schedule, &artists, settings)?;
    let email = |to, told| Facts::News(to, Told { sample, ..told });
    Ok(addressed(tx, user, wanted, latest, assurance, email))
}

/// The first few that are not of muted artists alone.
fn sampled(
    tx: &Tx<'_>,
    user: &User,
    known: impl IntoIterator<Item = Release>,
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    for release in known {
        let because = releases::reasons(tx, &release.id, user.id)?;
        let is_muted = !because.is_empty() && because.iter().all(|reason| reason.is_muted);
        if items.len() < SAMPLED && !is_muted {
            items.push(item(tx, release, because)?);
        }
    }
    Ok(items)
}

pub(super) fn gather_welcome(
    tx: &Tx<'_>,
    user: User,
    settings: &check_planner::Settings,
) -> Result<Facts, StoreError> {
    let Some(wanted) = subscribed(tx, &user)? else {
        return Ok(Facts::Unwanted("letters with news are switched off"));
    };
    let mut recent = Vec::new();
    for release in releases::recent_of(tx, user.id, MAX_RECENT)? {
        let because = releases::reasons(tx, &release.id, user.id)?;
        if recent.len() < RECENT_NOTIFIED && judge(tx, &release, &because, &wanted)?.is_ok() {
            recent.push(item(tx, release, because)?);
        }
    }
    let artists = status::artists_of(tx, Some(user.id), settings)?;
    let welcome = |to, told| Facts::Welcome(to, Welcomed { told, artists });
    Ok(addressed(tx, user, wanted, recent, None, welcome))
}

/// The email with news.
pub(super) fn email(ctx: &Ctx, told: &Told) -> Result<Email, RenderError> {
    let unsubscribe_url = link(ctx, &told.user, &Purpose::Unsubscribe);
    let mut releases = items(ctx, told);
    if told.sample == Some(Sample::MadeUp) {
        releases.extend(NewsItem::made_up(told.today));
    }
    let news = News {
        releases: &releases,
        today: told.today,
        assurance: told.assurance.clone(),
        account_url: &ctx.page("/new"),
        preferences_url: &ctx.page("/preferences"),
        unsubscribe_url: &unsubscribe_url,
        sample: told.sample,
    };
    Ok(news.email()?.with_unsubscribe(&unsubscribe_url))
}

/// The welcome.
pub(super) fn welcome(ctx: &Ctx, welcome: &Welcomed) -> Result<Email, RenderError> {
    let Welcomed { told, artists } = welcome;
    let unsubscribe_url = link(ctx, &told.user, &Purpose::Unsubscribe);
    let email = Welcome {
        watched: artists.watched,
        not_looked_at: artists.never_asked,
        recent: &items(ctx, told),
        when: &when(&told.digest_schedule),
        today: told.today,
        account_url: &ctx.page("/account"),
        preferences_url: &ctx.page("/preferences"),
        unsubscribe_url: &unsubscribe_url,
    };
    Ok(email.email()?.with_unsubscribe(&unsubscribe_url))
}

/// Whether the user wants to hear of a release as things stand when its email leaves.
fn judge(
    tx: &Tx<'_>,
    release: &Release,
    reasons: &[Match],
    wanted: &Preferences,
) -> Result<Result<(), SkipReason>, StoreError> {
    if !wanted.is_subscribed {
        return Ok(Err(SkipReason::Unsubscribed));
    }
    if !wanted.editions && editions::is_one(tx, &release.id)? {
        return Ok(Err(SkipReason::Edition));
    }
    Ok(release_filter::evaluate(release, reasons, wanted.kinds))
}

fn subscribed(tx: &Tx<'_>, user: &User) -> Result<Option<Preferences>, StoreError> {
    Ok(preferences::of(tx, user.id)?.filter(|wanted| wanted.is_subscribed))
}

fn addressed(
    tx: &Tx<'_>,
    user: User,
    wanted: Preferences,
    releases: Vec<Item>,
    assurance: Option<Assurance>,
    facts: impl FnOnce(crate::domain::user::EmailAddress, Told) -> Facts,
) -> Facts {
    let (digest_schedule, today) =
        (wanted.digest_schedule.clone(), wanted.digest_schedule.day_of(tx.now()));
    let told =
        Told { user: user.clone(), digest_schedule, releases, assurance, today, sample: None };
    to_confirmed(user, |to| facts(to, told))
}

fn item(tx: &Tx<'_>, release: Release, reasons: Vec<Match>) -> Result<Item, StoreError> {
    let also_as: BTreeSet<_> =
        editions::of(tx, &release.id)?.iter().filter_map(edition::edition_words).collect();
    let because = reasons.into_iter().filter(|reason| !reason.is_muted).collect();
    Ok(Item { release, because, also_as: also_as.into_iter().collect() })
}

fn items(ctx: &Ctx, told: &Told) -> Vec<NewsItem> {
    let mute = |reason: &Match| MuteLink {
        artist: reason.name.clone(),
        url: link(ctx, &told.user, &Purpose::Mute(reason.artist.clone())),
    };
    let items = told.releases.iter().map(|item| NewsItem {
        release: item.release.clone(),
        kind: kind(&item.release, &item.because),
        because: item.because.iter().map(|reason| reason.name.clone()).collect(),
        also_as: item.also_as.clone(),
        mute: item.because.iter().map(mute).collect(),
    });
    items.collect()
}

fn kind(release: &Release, because: &[Match]) -> Kind {
    let appears = !because.is_empty() && because.iter().all(|reason| reason.appears);
    match release_filter::kind(release, appears) {
        release_filter::Category::Album => Kind::Album,
        release_filter::Category::Single => Kind::SingleOrEp,
        release_filter::Category::Compilation => Kind::Compilation,
        release_filter::Category::Live => Kind::Live,
        release_filter::Category::Remixes => Kind::Remix,
        release_filter::Category::Appearance => Kind::AppearsOn,
    }
}

fn assurance(
    tx: &Tx<'_>,
    user: &User,
    digest_schedule: &DigestSchedule,
    artists: &Artists,
    settings: &check_planner::Settings,
) -> Result<Option<Assurance>, StoreError> {
    let overdue = overdue::list(tx, Some(user.id), settings, MAX_RECENT)?;
    // An artist that Spotify no longer knows fails for ever, and must not speak for all.
    let usual = overdue.iter().find(|artist| !matches!(artist.why, WhyOverdue::CheckFailed(_)));
    let checks = match (usual.or(overdue.first()), artists.oldest_check) {
        (Some(first), _) => {
            Checks::Overdue { artists: artists.overdue, because: first.why.clone() }
        }
        (None, _) if artists.never_asked > 0 => {
            Checks::InitialScan { artists: artists.never_asked }
        }
        (None, Some(oldest)) => Checks::AllSince(digest_schedule.day_of(oldest)),
        (None, None) => return Ok(None),
    };
    Ok(Some(Assurance { watched: artists.watched, checks }))
}

/// When emails come, after "Emails come".
fn when(digest_schedule: &DigestSchedule) -> String {
    let DigestSchedule { frequency, hour, zone } = digest_schedule;
    let zone = zone.iana_name().unwrap_or("UTC");
    match frequency {
        DigestFrequency::AtOnce => "at once, as soon as something new is seen".to_owned(),
        DigestFrequency::Daily => format!("every day at {hour}:00 ({zone})"),
        DigestFrequency::Weekly(day) => format!("every {} at {hour}:00 ({zone})", weekday(*day)),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
