//! What a person is told, and when: the page and its form.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::page;
use super::visit::{Fields, Frame, SignedForm, Visit};
use crate::accounts::preferences;
use crate::ctx::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::audience::Kinds;
use crate::domain::digest::{Rhythm, Timetable};
use crate::domain::preferences::Preferences;

/// The days of a week, as the form names them.
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[derive(Template)]
#[template(path = "preferences.html")]
struct Page {
    frame: Frame,
    wanted: Preferences,
    zone: String,
    zones: Vec<String>,
    muted: Vec<Artist>,
    next: Option<String>,
    is_saved: bool,
    fault: Option<&'static str>,
}

impl Page {
    /// The place in the list of pages.
    const HERE: &str = "/preferences";

    fn new(frame: Frame, wanted: Preferences, muted: Vec<Artist>, now: Timestamp) -> Self {
        Self {
            frame,
            zone: wanted.timetable.zone.iana_name().unwrap_or("UTC").to_owned(),
            zones: jiff::tz::db().available().map(|name| name.to_string()).collect(),
            next: next(&wanted, now),
            muted,
            wanted,
            is_saved: false,
            fault: None,
        }
    }

    /// 0 is Monday.
    fn weekday(&self) -> i8 {
        match self.wanted.timetable.rhythm {
            Rhythm::Weekly(day) => day.to_monday_zero_offset(),
            Rhythm::AtOnce | Rhythm::Daily => Weekday::Friday.to_monday_zero_offset(),
        }
    }

    fn letters(&self) -> &'static str {
        match self.wanted.timetable.rhythm {
            _ if !self.wanted.is_subscribed => "none",
            Rhythm::AtOnce => "at_once",
            Rhythm::Daily => "daily",
            Rhythm::Weekly(_) => "weekly",
        }
    }
}

/// `Friday, 27 November 2026, at 18:00`: when the next digest is due, if there is one.
fn next(wanted: &Preferences, now: Timestamp) -> Option<String> {
    let Timetable { rhythm, zone, .. } = &wanted.timetable;
    let leaves = zone.to_datetime(wanted.timetable.leaves_at(now, None));
    (wanted.is_subscribed && rhythm.is_digest())
        .then(|| leaves.strftime("%A, %-d %B %Y, at %H:%M").to_string())
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    RawQuery(query): RawQuery,
    visit: Visit,
) -> Response {
    let is_saved = query.as_deref() == Some("saved");
    show_page(&ctx, visit, |page| page.is_saved = is_saved).await
}

pub(super) async fn change(
    State(ctx): State<Arc<Ctx>>,
    SignedForm { visit, fields }: SignedForm,
) -> Response {
    let fault = match read(&fields) {
        Ok((wanted, unmuted)) => {
            return match preferences::choose(&ctx, visit.person, wanted, unmuted).await {
                Ok(()) => Redirect::to("/preferences?saved").into_response(),
                Err(error) => page::our_fault(&error),
            };
        }
        Err(fault) => fault,
    };
    let page = show_page(&ctx, visit, |page| {
        if let Some(kept) = fault.kept {
            (page.zone, page.wanted) = (fault.zone, kept);
        }
        page.fault = Some(fault.words);
    });
    (StatusCode::UNPROCESSABLE_ENTITY, page.await).into_response()
}

async fn show_page(ctx: &Ctx, visit: Visit, change: impl FnOnce(&mut Page)) -> Response {
    match preferences::of(ctx, visit.person).await {
        Ok(Some((wanted, muted))) => {
            let mut page = Page::new(visit.frame, wanted, muted, ctx.clock.now());
            change(&mut page);
            page::render(&page)
        }
        Ok(None) => Redirect::to("/").into_response(),
        Err(error) => page::our_fault(&error),
    }
}

/// Why a form cannot be taken, with what was chosen as far as it makes sense.
struct Fault {
    words: &'static str,
    zone: String,
    kept: Option<Preferences>,
}

fn read(fields: &Fields) -> Result<(Preferences, Vec<ArtistId>), Fault> {
    let kinds = Kinds {
        albums: fields.has("albums"),
        singles: fields.has("singles"),
        compilations: fields.has("compilations"),
        live: fields.has("live"),
        remixes: fields.has("remixes"),
        appearances: fields.has("appearances"),
    };
    let fault = |words, kept| Fault { words, zone: fields.value("zone").to_owned(), kept };
    let choose = "Please choose when letters come.";
    let letters = fields.value("letters");
    let rhythm = match letters {
        "at_once" | "none" => Rhythm::AtOnce,
        "daily" => Rhythm::Daily,
        "weekly" => Rhythm::Weekly(weekday(fields).ok_or_else(|| fault(choose, None))?),
        _ => return Err(fault(choose, None)),
    };
    let hour = fields.value("hour").parse().ok().filter(|hour| (0..24).contains(hour));
    let zone = TimeZone::get(fields.value("zone")).ok().filter(|zone| zone.iana_name().is_some());
    let timetable = Timetable {
        rhythm,
        hour: hour.ok_or_else(|| fault(choose, None))?,
        zone: zone.clone().unwrap_or(TimeZone::UTC),
    };
    let is_subscribed = letters != "none";
    let wanted = Preferences { kinds, editions: fields.has("editions"), timetable, is_subscribed };
    if zone.is_none() {
        let words = "There is no such time zone. Please choose one from the list, such as \
                     Europe/Berlin.";
        return Err(fault(words, Some(wanted)));
    }
    if is_subscribed && kinds == Kinds::none() {
        let words = "Nothing is ticked that letters could tell of. Please tick something, or \
                     choose to have no letters.";
        return Err(fault(words, Some(wanted)));
    }
    let unmuted = fields.values("unmute").filter_map(ArtistId::parse);
    Ok((wanted, unmuted.collect()))
}

fn weekday(fields: &Fields) -> Option<Weekday> {
    let offset = fields.value("weekday").parse().ok()?;
    Weekday::from_monday_zero_offset(offset).ok()
}
