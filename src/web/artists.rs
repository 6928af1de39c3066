//! The artists page: search, sort, mute, and request a sync.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::page::{self, PageResult, is_just_now};
use super::session::{CsrfForm, CurrentUser, Fields, PageContext, UrlQuery};
use super::time::DisplayTime;
use crate::accounts::artists::{self, Artists, SyncRequest, Unread};
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::overdue::WhyOverdue;
use crate::domain::text::{folded, one_line};
use crate::jobs::worker::{Job, JobNotifier};
use crate::store::followed_artists::{
    ArtistQuery, Followed, LastAlbum, PAGE_SIZE, SYNC_COOLDOWN, Sort,
};

/// In characters; the rest is ignored.
const MAX_SEARCH: usize = 100;

/// Each order with its name in URLs and its label on the page.
const SORTS: [(Sort, &str, &str); 3] = [
    (Sort::Name, "name", "Name"),
    (Sort::LastAlbum, "last_album", "Newest album first"),
    (Sort::Checked, "checked", "Checked longest ago first"),
];

/// The query string, or the same fields as forms on the page carry them along.
struct ArtistsQuery {
    search: String,
    sort: Sort,
    /// Counted from 0; in URLs from 1.
    page: u32,
    /// What was just done: `muted`, `unmuted`, `hurried`, `too-soon` or `unread`.
    done: String,
    /// The artist that it was done to.
    artist: Option<ArtistId>,
}

impl ArtistsQuery {
    fn parse(fields: &Fields) -> Self {
        let sort = SORTS.iter().find(|(_, name, _)| *name == fields.value("sort"));
        let page = fields.value("page").parse::<u32>().unwrap_or(1);
        Self {
            search: one_line(fields.value("q")).chars().take(MAX_SEARCH).collect(),
            sort: sort.map_or(Sort::default(), |(sort, ..)| *sort),
            page: page.saturating_sub(1),
            done: fields.value("done").to_owned(),
            artist: ArtistId::parse(fields.value("artist")),
        }
    }

    fn wanted(&self) -> ArtistQuery {
        ArtistQuery { search: folded(&self.search), sort: self.sort, page: self.page }
    }

    /// The URL of a page of the same list, built from parsed values only.
    fn address(&self, page: u32) -> String {
        let mut address = format!("/artists?sort={}", name(self.sort));
        if !self.search.is_empty() {
            address += &format!("&q={}", utf8_percent_encode(&self.search, NON_ALPHANUMERIC));
        }
        if page > 0 {
            address += &format!("&page={}", page + 1);
        }
        address
    }
}

fn name(sort: Sort) -> &'static str {
    SORTS.iter().find(|(of, ..)| *of == sort).map_or("name", |(_, name, _)| name)
}

#[derive(Template)]
#[template(path = "artists.html")]
struct ArtistsPage {
    frame: PageContext,
    found: u64,
    all: u64,
    /// As the user typed it.
    search: String,
    sort: Sort,
    /// Counted from 1.
    page: u32,
    pages: u32,
    before: Option<String>,
    after: Option<String>,
    rows: Vec<ArtistRow>,
    rests: Option<String>,
    must_sign_in: bool,
    read_at: Option<DisplayTime>,
    /// When a sync was requested, and when it can be requested again.
    hurried: Option<(DisplayTime, DisplayTime)>,
    done: Option<String>,
}

/// A row of the table.
struct ArtistRow {
    artist: Followed,
    album_date: Option<DisplayTime>,
    checked: Option<DisplayTime>,
    overdue: Option<String>,
}

impl ArtistsPage {
    /// This page in the menu.
    const PATH: &str = "/artists";

    fn new(frame: PageContext, query: &ArtistsQuery, found: Artists, done: Option<String>) -> Self {
        let zone = found.wanted.digest_schedule.zone.clone();
        let pages = u32::try_from(found.found.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
        let exact = |at| DisplayTime::exact(at, &zone);
        Self {
            frame,
            found: found.found,
            all: found.all,
            search: query.search.clone(),
            sort: query.sort,
            page: found.page + 1,
            pages: pages.max(1),
            before: found.page.checked_sub(1).map(|page| query.address(page)),
            after: (found.page + 1 < pages).then(|| query.address(found.page + 1)),
            rests: found.rests.as_ref().map(|why| describe_pause(why, &zone)),
            must_sign_in: found.unread == Some(Unread::MustSignIn),
            read_at: found.read_at.map(exact),
            hurried: found.sync_requested_at.map(|at| (exact(at), exact(at + SYNC_COOLDOWN))),
            rows: found.artists.into_iter().map(|row| ArtistRow::new(row, &zone)).collect(),
            done,
        }
    }

    fn order(&self) -> &'static str {
        name(self.sort)
    }
}

/// Why no artist is checked at present, as a sentence.
fn describe_pause(why: &WhyOverdue, zone: &TimeZone) -> String {
    let until = |at| format!("until {}", zone.to_datetime(at).strftime("%-d %B %Y, %H:%M"));
    match why {
        WhyOverdue::Paused(pause) => {
            format!("Checks are paused {}: {}.", until(pause.until), pause.cause)
        }
        WhyOverdue::Outage(at) => {
            format!("Spotify failed several times in a row, so checks are paused {}.", until(*at))
        }
        other => format!("No artists are being checked right now: {other}."),
    }
}

/// Why the follow list is not synced, after the user requested it.
fn describe_unread(why: &Unread, zone: &TimeZone) -> String {
    match why {
        Unread::MustSignIn => {
            "We can’t update your list until you sign in with Spotify again.".to_owned()
        }
        Unread::Refused(why) if why.is_empty() => {
            "We can’t update your list right now: Spotify is rejecting your account.".to_owned()
        }
        Unread::Refused(why) => format!("We can’t update your list right now: {why}."),
        Unread::Paused(pause) => format!(
            "We can’t update your list until {}: {}.",
            zone.to_datetime(pause.until).strftime("%-d %B %Y, %H:%M"),
            pause.cause
        ),
    }
}

impl ArtistRow {
    fn new((artist, overdue): (Followed, Option<WhyOverdue>), zone: &TimeZone) -> Self {
        let album_date =
            artist.last_album.as_ref().and_then(|album| DisplayTime::released(album.date));
        let checked = artist.checked_at.map(|at| DisplayTime::exact(at, zone));
        Self { album_date, checked, overdue: overdue.map(|why| why.to_string()), artist }
    }

    /// The title, or a placeholder for an empty one.
    fn title(album: &LastAlbum) -> &str {
        if album.title.is_empty() { "(untitled)" } else { &album.title }
    }
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    current_user: CurrentUser,
) -> PageResult {
    let query = ArtistsQuery::parse(&query);
    let Some(found) = artists::list(&ctx, current_user.user, query.wanted()).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let done = done(&ctx, &current_user, &query, &found).await?;
    Ok(page::render(&ArtistsPage::new(current_user.frame, &query, found, done)))
}

/// Says what was just done, provided that it is true.
async fn done(
    ctx: &Ctx,
    current_user: &CurrentUser,
    query: &ArtistsQuery,
    list: &Artists,
) -> Result<Option<String>, crate::store::StoreError> {
    let has_just_asked = list.sync_requested_at.is_some_and(|at| is_just_now(at, ctx.clock.now()));
    Ok(match (query.done.as_str(), &list.unread) {
        ("hurried", None) if has_just_asked => Some(
            "We’re refreshing your list from Spotify. Changes appear here within a minute."
                .to_owned(),
        ),
        ("too-soon", _) if list.sync_requested_at.is_some() => {
            Some("You refreshed less than an hour ago. Please try again later.".to_owned())
        }
        ("unread", Some(why)) => Some(describe_unread(why, &list.wanted.digest_schedule.zone)),
        ("muted" | "unmuted", _) => {
            let Some(id) = query.artist.clone() else { return Ok(None) };
            let artist = artists::find(ctx, current_user.user, id).await?;
            artist.and_then(|artist| describe_mute(&artist, query.done == "muted"))
        }
        _ => None,
    })
}

fn describe_mute(artist: &Followed, was_muted: bool) -> Option<String> {
    let name = &artist.name;
    (artist.is_muted == was_muted).then(|| match was_muted {
        true => {
            format!("You won’t get any more emails about {name}. You still follow them on Spotify.")
        }
        false => format!("You’ll get emails about {name} again."),
    })
}

pub(super) async fn mute(state: State<Arc<Ctx>>, id: Path<String>, form: CsrfForm) -> PageResult {
    set_muted(state, id, form, true).await
}

pub(super) async fn unmute(state: State<Arc<Ctx>>, id: Path<String>, form: CsrfForm) -> PageResult {
    set_muted(state, id, form, false).await
}

async fn set_muted(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
    CsrfForm { current_user, fields }: CsrfForm,
    is_muted: bool,
) -> PageResult {
    let Some(id) = ArtistId::parse(&id) else { return Ok(page::not_found().await) };
    if !artists::set_muted(&ctx, current_user.user, id.clone(), is_muted).await? {
        return Ok(page::not_found().await);
    }
    let query = ArtistsQuery::parse(&fields);
    let done = if is_muted { "muted" } else { "unmuted" };
    let back = format!("{}&done={done}&artist={id}", query.address(query.page));
    Ok(Redirect::to(&back).into_response())
}

pub(super) async fn request_sync(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    let done = match artists::request_sync(&ctx, current_user.user).await? {
        SyncRequest::Now => {
            notifier.notify(Job::SyncFollows);
            "hurried"
        }
        SyncRequest::TooSoon => "too-soon",
        SyncRequest::Unread(_) => "unread",
    };
    Ok(Redirect::to(&format!("/artists?done={done}")).into_response())
}
