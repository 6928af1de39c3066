//! What a user is told, and when: the page and its form.

mod typed;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Weekday;

use self::typed::{Typed, read, read_timetable};
use super::page;
use super::visit::{Fields, Frame, SignedForm, Visit};
use super::when::When;
use crate::accounts::preferences::{self, Chosen};
use crate::context::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::domain::preferences::Preferences;

/// The days of a week, as the form names them.
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The page says "Saved" for so many seconds after it was.
const SAVED_FOR: i64 = 60;

#[derive(Template)]
#[template(path = "preferences.html")]
struct Page {
    frame: Frame,
    wanted: Preferences,
    /// 0 is Monday.
    weekday: i8,
    zone: String,
    zones: Vec<String>,
    muted: Vec<Artist>,
    /// Whom the form that cannot be taken would unmute.
    unmuted: Vec<ArtistId>,
    next: Next,
    is_saved: bool,
    fault: Option<&'static str>,
}

impl Page {
    /// The place in the list of pages.
    const PATH: &str = "/preferences";

    fn new(frame: Frame, chosen: Chosen) -> Self {
        let Chosen { wanted, muted, next_send_time } = chosen;
        let weekday = match wanted.digest_schedule.frequency {
            DigestFrequency::Weekly(day) => day,
            DigestFrequency::AtOnce | DigestFrequency::Daily => Weekday::Friday,
        };
        Self {
            frame,
            weekday: weekday.to_monday_zero_offset(),
            zone: wanted.digest_schedule.zone.iana_name().unwrap_or("UTC").to_owned(),
            zones: jiff::tz::db().available().map(|name| name.to_string()).collect(),
            next: Next::new(wanted.is_subscribed, &wanted.digest_schedule, next_send_time),
            muted,
            unmuted: Vec::new(),
            wanted,
            is_saved: false,
            fault: None,
        }
    }

    /// Shows what was typed and cannot be taken, rather than what was chosen before.
    fn keep(&mut self, typed: Typed, fault: &'static str) {
        (self.wanted, self.weekday, self.zone) = (typed.wanted, typed.weekday, typed.zone);
        (self.unmuted, self.fault) = (typed.unmuted, Some(fault));
    }

    fn emails(&self) -> &'static str {
        match self.wanted.digest_schedule.frequency {
            _ if !self.wanted.is_subscribed => "none",
            DigestFrequency::AtOnce => "at_once",
            DigestFrequency::Daily => "daily",
            DigestFrequency::Weekly(_) => "weekly",
        }
    }
}

/// When the next email leaves.
#[derive(Template)]
#[template(path = "next_email.html")]
enum Next {
    /// As soon as there is news.
    AtOnce,
    /// On this day, at this hour of the reader's.
    On(When),
    /// Not at all.
    Never,
}

impl Next {
    fn new(
        is_subscribed: bool,
        digest_schedule: &DigestSchedule,
        next_send_time: Timestamp,
    ) -> Self {
        match digest_schedule.frequency {
            _ if !is_subscribed => Self::Never,
            DigestFrequency::AtOnce => Self::AtOnce,
            DigestFrequency::Daily | DigestFrequency::Weekly(_) => {
                Self::On(When::of_email(next_send_time, &digest_schedule.zone))
            }
        }
    }
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    RawQuery(query): RawQuery,
    visit: Visit,
) -> Response {
    let is_saved = was_just_saved(query.as_deref().unwrap_or_default(), ctx.clock.now());
    show_page(&ctx, visit, |page| page.is_saved = is_saved).await
}

/// A sentence for the page's script: when the next email would leave, were the form saved as it is.
pub(super) async fn show_next(
    State(ctx): State<Arc<Ctx>>,
    RawQuery(query): RawQuery,
    visit: Visit,
) -> Response {
    let fields = Fields::of_query(query.as_deref().unwrap_or_default());
    let (digest_schedule, is_subscribed) = match read_timetable(&fields) {
        (read, None) => read,
        (_, Some(fault)) => return (StatusCode::UNPROCESSABLE_ENTITY, fault).into_response(),
    };
    match preferences::would_leave_at(&ctx, visit.user, digest_schedule.clone()).await {
        Ok(at) => page::render(&Next::new(is_subscribed, &digest_schedule, at)),
        Err(error) => page::our_fault(&error),
    }
}

pub(super) async fn change(
    State(ctx): State<Arc<Ctx>>,
    SignedForm { visit, fields }: SignedForm,
) -> Response {
    let typed = read(&fields);
    if let Some(fault) = typed.fault {
        let page = show_page(&ctx, visit, |page| page.keep(typed, fault));
        return (StatusCode::UNPROCESSABLE_ENTITY, page.await).into_response();
    }
    match preferences::choose(&ctx, visit.user, typed.wanted, typed.unmuted).await {
        Ok(()) => {
            let now = ctx.clock.now().as_second();
            Redirect::to(&format!("/preferences?saved={now}")).into_response()
        }
        Err(error) => page::our_fault(&error),
    }
}

/// Whether the address is the one that saving led to, and not one that was kept or came back to.
fn was_just_saved(query: &str, now: Timestamp) -> bool {
    let at = query.strip_prefix("saved=").and_then(|at| at.parse::<i64>().ok());
    at.is_some_and(|at| (0..SAVED_FOR).contains(&now.as_second().saturating_sub(at)))
}

async fn show_page(ctx: &Ctx, visit: Visit, change: impl FnOnce(&mut Page)) -> Response {
    match preferences::of(ctx, visit.user).await {
        Ok(Some(chosen)) => {
            let mut page = Page::new(visit.frame, chosen);
            change(&mut page);
            page::render(&page)
        }
        Ok(None) => Redirect::to("/").into_response(),
        Err(error) => page::our_fault(&error),
    }
}
