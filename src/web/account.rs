//! A person's own page: what is known of them, their address, the way out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use super::cookies::{self, Purpose};
use super::page::{self, day, shown};
use super::visit::{Frame, SignedForm, Visit};
use crate::accounts::address::{self, AddressError};
use crate::accounts::session;
use crate::ctx::Ctx;
use crate::domain::audience::{self, Kinds};
use crate::domain::cadence;
use crate::domain::consent::ends_at;
use crate::domain::digest::Rhythm;
use crate::domain::preferences::Preferences;
use crate::domain::quota::Cause;
use crate::domain::release::{Release, ReleaseKind};
use crate::domain::user::UserId;
use crate::store::overdue::{self, Overdue};
use crate::store::people::Person;
use crate::store::status::Artists;
use crate::store::{StoreError, Tx, ledger, links, outbox, people, preferences, releases, status};
use crate::worker::{Bells, Job};

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    name: String,
    spotify_id: String,
    since: String,
    consent_ends: Option<String>,
    must_sign_in: bool,
    deleted_on: Option<String>,
    trouble: Option<String>,
    rests: Option<&'static str>,
    address: String,
    awaiting: String,
    mail_trouble: Option<String>,
    bouncing_since: Option<String>,
    watched: u64,
    never_asked: u64,
    follows_read: Option<String>,
    typed: String,
    typed_fault: Option<String>,
    checked_last_day: u64,
    checked_last_week: u64,
    overdue: Vec<Overdue>,
    news: Vec<Release>,
    is_subscribed: bool,
    letters_come: String,
}

/// New releases that the page lists: what one letter may leave out is here.
const NEWS_LISTED: usize = 100;

/// Among so many they are looked for: what others want is recorded for everybody who follows the artist.
const NEWS_LOOKED_THROUGH: u32 = 1_000;

/// Artists that have waited too long and that the page lists.
const OVERDUE_LISTED: u32 = 50;

/// What the page is made of, as the database has it.
struct Facts {
    person: Person,
    wanted: Preferences,
    awaiting: String,
    mail_trouble: Option<String>,
    artists: Artists,
    overdue: Vec<Overdue>,
    news: Vec<Release>,
    rests: Option<&'static str>,
}

fn gather(
    tx: &Tx<'_>,
    id: UserId,
    cadence: &cadence::Settings,
) -> Result<Option<Facts>, StoreError> {
    let Some(person) = people::find(tx, id)? else { return Ok(None) };
    let Some(wanted) = preferences::of(tx, id)? else { return Ok(None) };
    let awaiting = links::awaiting(tx, id)?;
    Ok(Some(Facts {
        awaiting: shown(awaiting.and_then(|link| link.address).as_ref()),
        mail_trouble: outbox::trouble_of(tx, id)?,
        artists: status::artists_of(tx, Some(id), cadence)?,
        overdue: overdue::list(tx, Some(id), cadence, OVERDUE_LISTED)?,
        news: news(tx, id, wanted.kinds)?,
        rests: rests(tx)?,
        person,
        wanted,
    }))
}

/// What came out of the kinds that the person wants, whether or not a letter told it.
fn news(tx: &Tx<'_>, id: UserId, kinds: Kinds) -> Result<Vec<Release>, StoreError> {
    let mut news = Vec::new();
    for release in outbox::news_of(tx, id, NEWS_LOOKED_THROUGH)? {
        if news.len() == NEWS_LISTED {
            break;
        }
        let Some(found) = releases::find(tx, &release)? else { continue };
        if audience::is_of_interest(&found, &releases::reasons(tx, &release, id)?, kinds) {
            news.push(found);
        }
    }
    Ok(news)
}

impl Account {
    /// The place in the list of pages.
    const HERE: &str = "/account";

    fn last_check(artist: &Overdue) -> String {
        let last = artist.checked_at.map(|at| format!("last checked on {}", day(at)));
        last.unwrap_or_else(|| "not checked yet".to_owned())
    }

    fn new(facts: Facts, frame: Frame) -> Self {
        let Facts { person, wanted, awaiting, mail_trouble, artists, overdue, news, rests } = facts;
        let address = shown(person.address.as_ref());
        let suggested = shown(person.suggested_address.as_ref());
        let typed = [&awaiting, &address, &suggested].into_iter().find(|a| !a.is_empty()).cloned();
        Self {
            frame,
            name: person.display_name,
            spotify_id: person.spotify_id,
            since: day(person.created_at),
            consent_ends: person.authorized_at.map(|at| day(ends_at(at))),
            must_sign_in: person.must_sign_in,
            deleted_on: person.deleted_at.map(day),
            trouble: person.trouble,
            rests,
            address,
            awaiting,
            mail_trouble,
            bouncing_since: person.bouncing_since.map(day),
            watched: artists.watched,
            never_asked: artists.never_asked,
            checked_last_day: artists.checked_last_day,
            checked_last_week: artists.checked_last_week,
            overdue,
            follows_read: person.follows_read_at.map(day),
            typed: typed.unwrap_or_default(),
            typed_fault: None,
            news,
            is_subscribed: wanted.is_subscribed,
            letters_come: letters_come(&wanted),
        }
    }
}

/// When letters come, in words after "letters come".
fn letters_come(wanted: &Preferences) -> String {
    let (rhythm, hour) = (wanted.timetable.rhythm, wanted.timetable.hour);
    let zone = wanted.timetable.zone.iana_name().unwrap_or("UTC");
    match rhythm {
        Rhythm::AtOnce => "at once".to_owned(),
        Rhythm::Daily => format!("once a day, at {hour}:00 ({zone})"),
        Rhythm::Weekly(day) => format!("once a week, on {day:?} at {hour}:00 ({zone})"),
    }
}

/// What keeps everybody waiting for long and only the operator can mend, in words for the others.
fn rests(tx: &Tx<'_>) -> Result<Option<&'static str>, StoreError> {
    let pauses = ledger::pauses(tx)?;
    Ok(pauses.iter().find_map(|(_, pause)| match pause.cause {
        Cause::Premium => Some(
            "Spotify has stopped this app, since its owner has no Premium at present. Nothing of yours \
             is lost, and Dropday goes on by itself once that is mended. Whoever runs it can do so.",
        ),
        Cause::Endpoint => Some(
            "Spotify no longer answers something that Dropday has to ask, so news may come late or not \
             at all. Dropday tries again every few hours; whoever runs it may know more.",
        ),
        Cause::RateLimit | Cause::Quota | Cause::Outage => None,
    }))
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, visit: Visit) -> Response {
    show_page(&ctx, visit, |_| {}).await
}

async fn show_page(ctx: &Ctx, visit: Visit, change: impl FnOnce(&mut Account)) -> Response {
    let (cadence, person) = (ctx.cadence.clone(), visit.person);
    match ctx.db.read("account page", move |tx| gather(tx, person, &cadence)).await {
        Ok(Some(facts)) => {
            let mut account = Account::new(facts, visit.frame);
            change(&mut account);
            page::render(&account)
        }
        Ok(None) => Redirect::to("/").into_response(),
        Err(error) => page::our_fault(&error),
    }
}

pub(super) async fn change_address(
    State(ctx): State<Arc<Ctx>>,
    State(bells): State<Arc<Bells>>,
    SignedForm { visit, fields }: SignedForm,
) -> Response {
    let typed = fields.value("email");
    match address::submit(&ctx, visit.person, typed).await {
        Ok(_) => {
            bells.ring(Job::Letters);
            Redirect::to("/account").into_response()
        }
        Err(AddressError::Store(error)) => page::our_fault(&error),
        Err(fault) => {
            let page = show_page(&ctx, visit, |page| {
                page.typed = typed.to_owned();
                page.typed_fault = Some(fault.to_string());
            });
            (StatusCode::UNPROCESSABLE_ENTITY, page.await).into_response()
        }
    }
}

pub(super) async fn sign_out(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    SignedForm { visit, .. }: SignedForm,
) -> Response {
    signed_out(&ctx, jar, session::sign_out(&ctx, &visit.session).await)
}

pub(super) async fn sign_out_everywhere(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    SignedForm { visit, .. }: SignedForm,
) -> Response {
    signed_out(&ctx, jar, session::sign_out_everywhere(&ctx, visit.person).await)
}

fn signed_out(ctx: &Ctx, jar: CookieJar, done: Result<(), StoreError>) -> Response {
    match done {
        Ok(()) => (cookies::clear(jar, ctx, Purpose::Session), Redirect::to("/")).into_response(),
        Err(error) => page::our_fault(&error),
    }
}
