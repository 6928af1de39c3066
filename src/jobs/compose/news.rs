//! Emails with news, samples of them and the welcome: which releases they list, and how the artists are watched.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

use super::{Loaded, link};
use crate::accounts::email_links::Purpose;
use crate::context::Ctx;
use crate::domain::check_planner;
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::domain::edition;
use crate::domain::overdue::WhyOverdue;
use crate::domain::preferences::Preferences;
use crate::domain::release::{Release, ReleaseId, ReleaseKind};
use crate::domain::release_filter::{self, Match};
use crate::domain::user::UserId;
use crate::email::message::{Email, RenderError};
use crate::email::messages::assurance::{Assurance, Checks};
use crate::email::messages::item::{MuteLink, NewsItem};
use crate::email::messages::news::{News, Sample};
use crate::email::messages::welcome::Welcome;
use crate::store::outbox::Claimed;
use crate::store::status::{self, Artists};
use crate::store::users::User;
use crate::store::{StoreError, Tx, editions, outbox, overdue, preferences, releases};

/// Releases that a welcome chooses from.
const MAX_CANDIDATES: u32 = 500;

/// Releases in a welcome.
const WELCOME_RELEASES: usize = 10;

/// Releases in a sample …
const SAMPLE_RELEASES: usize = 3;

/// … chosen from so many of the latest.
const SAMPLE_CANDIDATES: usize = 60;

/// The contents of an email that lists releases.
pub(super) struct NewsData {
    user: User,
    digest_schedule: DigestSchedule,
    releases: Vec<Item>,
    artists: Artists,
    assurance: Option<Assurance>,
    today: Date,
    sample: Option<Sample>,
}

/// A release, and why the user is notified of it.
struct Item {
    release: Release,
    because: Vec<Match>,
    also_as: Vec<String>,
}

pub(super) fn load(
    tx: &Tx<'_>,
    claimed: &Claimed,
    user: User,
    settings: &check_planner::Settings,
) -> Loaded<NewsData> {
    let Some(wanted) = preferences::of(tx, user.id)? else {
        return Ok(Err("the user has deleted their account"));
    };
    let mut items = Vec::new();
    for id in claimed.subjects.iter().filter_map(|subject| ReleaseId::parse(subject)) {
        let Some(release) = releases::find(tx, &id)? else {
            outbox::drop_subject(tx, claimed.email, id.as_str(), "the album is no longer known")?;
            continue;
        };
        match outbox::evaluate(tx, user.id, &wanted, &release)? {
            Ok(because) => items.push(item(tx, release, because)?),
            Err(why) => outbox::mark_skipped(tx, claimed.email, id.as_str(), &why.to_string())?,
        }
    }
    if items.is_empty() {
        return Ok(Err("no release of it is known and wanted any more"));
    }
    // If the email gets too long, singles are left out first.
    items.sort_by_key(|item| item.release.kind == ReleaseKind::Single);
    data(tx, user, wanted, items, settings).map(Ok)
}

/// The latest releases of the user's artists, except muted ones, whatever categories the user wants;
/// something made up if there are none.
pub(super) fn load_sample(
    tx: &Tx<'_>,
    user: User,
    settings: &check_planner::Settings,
) -> Loaded<NewsData> {
    let Some(wanted) = preferences::of(tx, user.id)? else {
        return Ok(Err("the user has deleted their account"));
    };
    if user.deleted_at.is_some() {
        return Ok(Err("the user has withdrawn their consent"));
    }
    let news = outbox::stream(tx, user.id, i64::MAX, SAMPLE_CANDIDATES)?.entries;
    let mut latest = sampled(tx, &user, news.into_iter().map(|entry| entry.release))?;
    if latest.is_empty() {
        latest = sampled(tx, &user, releases::latest_of(tx, user.id, SAMPLE_RELEASES)?)?;
    }
    let sample = Some(if latest.is_empty() { Sample::MadeUp } else { Sample::Own });
    Ok(Ok(NewsData { sample, ..data(tx, user, wanted, latest, settings)? }))
}

/// The first few, without those only by muted artists.
fn sampled(
    tx: &Tx<'_>,
    user: &User,
    known: impl IntoIterator<Item = Release>,
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    for release in known {
        let because = releases::reasons(tx, &release.id, user.id)?;
        let is_muted = !because.is_empty() && because.iter().all(|reason| reason.is_muted);
        if items.len() < SAMPLE_RELEASES && !is_muted {
            items.push(item(tx, release, because)?);
        }
    }
    Ok(items)
}

pub(super) fn load_welcome(
    tx: &Tx<'_>,
    user: User,
    settings: &check_planner::Settings,
) -> Loaded<NewsData> {
    let wanted = preferences::of(tx, user.id)?.filter(|wanted| wanted.is_subscribed);
    let Some(wanted) = wanted else { return Ok(Err("emails about new releases are off")) };
    let mut recent = Vec::new();
    for release in releases::recent_of(tx, user.id, MAX_CANDIDATES)? {
        if recent.len() == WELCOME_RELEASES {
            break;
        }
        if let Ok(because) = outbox::evaluate(tx, user.id, &wanted, &release)? {
            recent.push(item(tx, release, because)?);
        }
    }
    data(tx, user, wanted, recent, settings).map(Ok)
}

/// Writes an email with news, or a sample.
pub(super) fn email(ctx: &Ctx, data: &NewsData) -> Result<Email, RenderError> {
    let unsubscribe_url = link(ctx, &data.user, &Purpose::Unsubscribe);
    let mut releases = items(ctx, data);
    if data.sample == Some(Sample::MadeUp) {
        releases.extend(NewsItem::made_up(data.today));
    }
    let news = News {
        releases: &releases,
        today: data.today,
        assurance: data.assurance.clone(),
        account_url: &ctx.url("/releases"),
        preferences_url: &ctx.url("/preferences"),
        unsubscribe_url: &unsubscribe_url,
        sample: data.sample,
    };
    Ok(news.email()?.with_unsubscribe(&unsubscribe_url))
}

/// Writes the welcome.
pub(super) fn welcome(ctx: &Ctx, data: &NewsData) -> Result<Email, RenderError> {
    let unsubscribe_url = link(ctx, &data.user, &Purpose::Unsubscribe);
    let email = Welcome {
        tracked: data.artists.tracked,
        not_checked: data.artists.never_checked,
        recent: &items(ctx, data),
        when: &when(&data.digest_schedule),
        today: data.today,
        account_url: &ctx.url("/account"),
        preferences_url: &ctx.url("/preferences"),
        unsubscribe_url: &unsubscribe_url,
    };
    Ok(email.email()?.with_unsubscribe(&unsubscribe_url))
}

fn data(
    tx: &Tx<'_>,
    user: User,
    wanted: Preferences,
    releases: Vec<Item>,
    settings: &check_planner::Settings,
) -> Result<NewsData, StoreError> {
    let digest_schedule = wanted.digest_schedule;
    let artists = status::artists_of(tx, Some(user.id), settings)?;
    let assurance = assurance(tx, user.id, &digest_schedule, &artists, settings)?;
    let today = digest_schedule.day_of(tx.now());
    Ok(NewsData { user, digest_schedule, releases, artists, assurance, today, sample: None })
}

fn item(tx: &Tx<'_>, release: Release, reasons: Vec<Match>) -> Result<Item, StoreError> {
    let also_as: BTreeSet<_> =
        editions::of(tx, &release.id)?.iter().filter_map(edition::edition_words).collect();
    let because = reasons.into_iter().filter(|reason| !reason.is_muted).collect();
    Ok(Item { release, because, also_as: also_as.into_iter().collect() })
}

fn items(ctx: &Ctx, data: &NewsData) -> Vec<NewsItem> {
    let mute = |reason: &Match| MuteLink {
        artist: reason.name.clone(),
        url: link(ctx, &data.user, &Purpose::Mute(reason.artist.clone())),
    };
    let appears =
        |because: &[Match]| !because.is_empty() && because.iter().all(|reason| reason.appears);
    let items = data.releases.iter().map(|item| NewsItem {
        release: item.release.clone(),
        category: release_filter::category(&item.release, appears(&item.because)),
        because: item.because.iter().map(|reason| reason.name.clone()).collect(),
        also_as: item.also_as.clone(),
        mute: item.because.iter().map(mute).collect(),
    });
    items.collect()
}

fn assurance(
    tx: &Tx<'_>,
    user: UserId,
    digest_schedule: &DigestSchedule,
    artists: &Artists,
    settings: &check_planner::Settings,
) -> Result<Option<Assurance>, StoreError> {
    let overdue = overdue::list(tx, Some(user), settings, MAX_CANDIDATES)?;
    // An artist that Spotify no longer knows fails forever and must not represent all others.
    let usual = overdue.iter().find(|artist| !matches!(artist.why, WhyOverdue::CheckFailed(_)));
    let checks = match (usual.or(overdue.first()), artists.oldest_check) {
        (Some(first), _) => {
            Checks::Overdue { artists: artists.overdue, because: first.why.clone() }
        }
        (None, _) if artists.never_checked > 0 => {
            Checks::InitialScan { artists: artists.never_checked }
        }
        (None, Some(oldest)) => Checks::AllSince(digest_schedule.day_of(oldest)),
        (None, None) => return Ok(None),
    };
    Ok(Some(Assurance { tracked: artists.tracked, checks }))
}

fn when(digest_schedule: &DigestSchedule) -> String {
    let DigestSchedule { frequency, hour, zone } = digest_schedule;
    let zone = zone.iana_name().unwrap_or("UTC");
    match frequency {
        DigestFrequency::AtOnce => "right away, as soon as we find something new".to_owned(),
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
