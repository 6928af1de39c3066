//! The artists that a user follows: searched, sorted, muted; and looking for changes now.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::page::{self, is_just_now};
use super::visit::{Fields, Frame, SignedForm, Visit};
use super::when::When;
use crate::accounts::artists::{self, Artists, Hurried, NextCheck, Unread};
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::release::ReleaseDate;
use crate::domain::text::{folded, one_line};
use crate::jobs::worker::{Job, JobNotifier};
use crate::store::following::{Followed, LastAlbum, PAGE_SIZE, SYNC_COOLDOWN, Sort, Wanted};
use crate::store::overdue::Why;

/// No name is longer, and nothing longer is looked for.
const MAX_SEARCH_LENGTH: usize = 100;

/// The orders, as addresses name them and as the page does.
const SORTS: [(Sort, &str, &str); 4] = [
    (Sort::Name, "name", "Name"),
    (Sort::LastAlbum, "last_album", "Newest album first"),
    (Sort::Checked, "checked", "Longest not checked first"),
    (Sort::Next, "next", "Checked next first"),
];

/// What the address asks for. What makes no sense is as if it was not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    sort: String,
    page: String,
    /// What was just done: `muted`, `unmuted`, `hurried`, `too-soon` or `unread`.
    done: String,
    /// To which artist.
    artist: String,
}

impl Asked {
    /// What stood in the address, as the form on the page carries it along.
    fn of(fields: &Fields) -> Self {
        let value = |name| fields.value(name).to_owned();
        Self { q: value("q"), sort: value("sort"), page: value("page"), ..Self::default() }
    }

    fn search(&self) -> String {
        one_line(&self.q).chars().take(MAX_SEARCH_LENGTH).collect()
    }

    fn sort(&self) -> Sort {
        let named = SORTS.iter().find(|(_, name, _)| *name == self.sort);
        named.map_or(Sort::default(), |(sort, ..)| *sort)
    }

    /// From 0; in addresses it is from 1.
    fn page(&self) -> u32 {
        self.page.parse::<u32>().unwrap_or(1).saturating_sub(1)
    }

    fn wanted(&self) -> Wanted {
        Wanted { search: folded(&self.search()), sort: self.sort(), page: self.page() }
    }

    /// The address of a page of the same list. Only what was understood stands in it.
    fn address(&self, page: u32) -> String {
        let mut address = format!("/artists?sort={}", name(self.sort()));
        let search = self.search();
        if !search.is_empty() {
            address += &format!("&q={}", utf8_percent_encode(&search, NON_ALPHANUMERIC));
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
struct Page {
    frame: Frame,
    found: u64,
    all: u64,
    /// What is looked for, as it was typed.
    search: String,
    sort: Sort,
    /// From 1.
    page: u32,
    pages: u32,
    before: Option<String>,
    after: Option<String>,
    rows: Vec<Shown>,
    rests: Option<String>,
    must_sign_in: bool,
    read_at: Option<When>,
    /// When it was asked for, and when it can be again.
    hurried: Option<(When, When)>,
    done: Option<String>,
}

/// An artist as the page shows them.
struct Shown {
    artist: Followed,
    album_date: AlbumDate,
    checked: Option<When>,
    next: NextCheck,
    next_day: Option<When>,
}

/// An album's date, no more precisely than it is known.
enum AlbumDate {
    Day(When),
    Plain(String),
}

impl Page {
    /// The place in the list of pages.
    const PATH: &str = "/artists";

    fn new(frame: Frame, asked: &Asked, found: Artists, done: Option<String>) -> Self {
        let zone = found.wanted.digest_schedule.zone.clone();
        let pages = u32::try_from(found.found.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX);
        let exact = |at| When::exact(at, &zone);
        Self {
            frame,
            found: found.found,
            all: found.all,
            search: asked.search(),
            sort: asked.sort(),
            page: found.page + 1,
            pages: pages.max(1),
            before: found.page.checked_sub(1).map(|page| asked.address(page)),
            after: (found.page + 1 < pages).then(|| asked.address(found.page + 1)),
            rests: found.rests.as_ref().map(|why| in_words(why, &zone)),
            must_sign_in: found.unread == Some(Unread::MustSignIn),
            read_at: found.read_at.map(exact),
            hurried: found.hurried_at.map(|at| (exact(at), exact(at + SYNC_COOLDOWN))),
            rows: found.artists.into_iter().map(|row| Shown::new(row, &zone)).collect(),
            done,
        }
    }

    fn order(&self) -> &'static str {
        name(self.sort)
    }
}

/// Why nobody is asked about, in words after which nothing more is to be said.
fn in_words(why: &Why, zone: &TimeZone) -> String {
    let until = |at| format!("until {}", zone.to_datetime(at).strftime("%-d %B %Y, %H:%M"));
    match why {
        Why::Paused(pause) => {
            format!("Nothing is asked of Spotify {}: {}.", until(pause.until), pause.cause)
        }
        Why::Outage(at) => {
            format!("Spotify failed several times in a row, so nothing is asked {}.", until(*at))
        }
        other => format!("Nothing is asked of Spotify at present: {other}."),
    }
}

/// Why no list is read, after somebody asked for it.
fn unread_in_words(why: &Unread, zone: &TimeZone) -> String {
    match why {
        Unread::MustSignIn => {
            "Your list cannot be read before you sign in with Spotify again.".to_owned()
        }
        Unread::Refused(why) if why.is_empty() => {
            "Your list cannot be read at present: Spotify refuses you.".to_owned()
        }
        Unread::Refused(why) => format!("Your list cannot be read at present: {why}."),
        Unread::Paused(pause) => format!(
            "Your list cannot be read until {}: {}.",
            zone.to_datetime(pause.until).strftime("%-d %B %Y, %H:%M"),
            pause.cause
        ),
    }
}

impl Shown {
    fn new((artist, next): (Followed, NextCheck), zone: &TimeZone) -> Self {
        let album_date = match artist.last_album.as_ref().map(|album| album.date) {
            Some(ReleaseDate::Day(day)) => AlbumDate::Day(When::date(day)),
            Some(ReleaseDate::Month(day)) => AlbumDate::Plain(day.strftime("%B %Y").to_string()),
            Some(date) => AlbumDate::Plain(date.to_string()),
            None => AlbumDate::Plain(String::new()),
        };
        let next_day = match next {
            NextCheck::About(at) => Some(When::day(at, zone)),
            _ => None,
        };
        let checked = artist.checked_at.map(|at| When::exact(at, zone));
        Self { album_date, checked, next_day, next, artist }
    }

    /// The title, or a plain word for an album that has none.
    fn title(album: &LastAlbum) -> &str {
        if album.title.is_empty() { "(untitled)" } else { &album.title }
    }
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    asked: Result<Query<Asked>, QueryRejection>,
    visit: Visit,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let found = match artists::list(&ctx, visit.user, asked.wanted()).await {
        Ok(Some(found)) => found,
        Ok(None) => return Redirect::to("/").into_response(),
        Err(error) => return page::our_fault(&error),
    };
    match done(&ctx, &visit, &asked, &found).await {
        Ok(done) => page::render(&Page::new(visit.frame, &asked, found, done)),
        Err(error) => page::our_fault(&error),
    }
}

/// What was just done, in words; nothing that is not so.
async fn done(
    ctx: &Ctx,
    visit: &Visit,
    asked: &Asked,
    list: &Artists,
) -> Result<Option<String>, crate::store::StoreError> {
    let has_just_asked = list.hurried_at.is_some_and(|at| is_just_now(at, ctx.clock.now()));
    let plain = match asked.done.as_str() {
        "hurried" if has_just_asked && list.unread.is_none() => {
            "Your list at Spotify is read again now. What has changed shows here in a minute."
        }
        "too-soon" if list.hurried_at.is_some() => {
            "You asked within the last hour. Please wait until it is over."
        }
        _ => "",
    };
    if let ("unread", Some(why)) = (asked.done.as_str(), &list.unread) {
        return Ok(Some(unread_in_words(why, &list.wanted.digest_schedule.zone)));
    }
    if !plain.is_empty() {
        return Ok(Some(plain.to_owned()));
    }
    let Some(id) = ArtistId::parse(&asked.artist) else { return Ok(None) };
    let found = artists::find(ctx, visit.user, id).await?;
    Ok(match (found, asked.done.as_str()) {
        (Some(artist), "muted") if artist.is_muted => Some(format!(
            "You hear nothing more of {}. Whom you follow at Spotify stays as it is.",
            artist.name
        )),
        (Some(artist), "unmuted") if !artist.is_muted => {
            Some(format!("You hear of {} again.", artist.name))
        }
        _ => None,
    })
}

pub(super) async fn mute(state: State<Arc<Ctx>>, id: Path<String>, form: SignedForm) -> Response {
    set_muted(state, id, form, true).await
}

pub(super) async fn unmute(state: State<Arc<Ctx>>, id: Path<String>, form: SignedForm) -> Response {
    set_muted(state, id, form, false).await
}

async fn set_muted(
    State(ctx): State<Arc<Ctx>>,
    Path(id): Path<String>,
    SignedForm { visit, fields }: SignedForm,
    is_muted: bool,
) -> Response {
    let Some(id) = ArtistId::parse(&id) else { return page::not_found().await };
    match artists::set_muted(&ctx, visit.user, id.clone(), is_muted).await {
        Ok(Some(_)) => {
            let asked = Asked::of(&fields);
            let done = if is_muted { "muted" } else { "unmuted" };
            let back = format!("{}&done={done}&artist={id}", asked.address(asked.page()));
            Redirect::to(&back).into_response()
        }
        Ok(None) => page::not_found().await,
        Err(error) => page::our_fault(&error),
    }
}

pub(super) async fn hurry(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    SignedForm { visit, .. }: SignedForm,
) -> Response {
    match artists::hurry(&ctx, visit.user).await {
        Ok(Hurried::Now) => {
            notifier.notify(Job::SyncFollows);
            Redirect::to("/artists?done=hurried").into_response()
        }
        Ok(Hurried::TooSoon) => Redirect::to("/artists?done=too-soon").into_response(),
        Ok(Hurried::Unread(_)) => Redirect::to("/artists?done=unread").into_response(),
        Err(error) => page::our_fault(&error),
    }
}
