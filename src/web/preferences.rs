//! The preferences page: what the user is notified of, and when.

mod typed;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use jiff::Timestamp;
use jiff::civil::Weekday;

use self::typed::{PreferencesForm, read, read_timetable};
use super::page::{self, PageResult};
use super::session::{CsrfForm, CurrentUser, Fields, PageContext, UrlQuery};
use super::time::DisplayTime;
use crate::accounts::preferences::{self, UserPreferences};
use crate::context::Ctx;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::domain::preferences::Preferences;

/// The days of a week, as the form names them.
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// For how many seconds the page says "Saved".
const SAVED_FOR: i64 = 60;

#[derive(Template)]
#[template(path = "preferences.html")]
struct PreferencesPage {
    frame: PageContext,
    wanted: Preferences,
    /// 0 is Monday.
    weekday: i8,
    zone: String,
    zones: Vec<String>,
    muted: Vec<Artist>,
    /// Artists to unmute, from a form with errors.
    unmuted: Vec<ArtistId>,
    next: Next,
    is_saved: bool,
    fault: Option<&'static str>,
}

impl PreferencesPage {
    /// This page in the menu.
    const PATH: &str = "/preferences";

    fn new(frame: PageContext, chosen: UserPreferences) -> Self {
        let UserPreferences { wanted, muted, next_send_time } = chosen;
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

    /// Shows the submitted values, which have an error, instead of the saved ones.
    fn keep(&mut self, typed: PreferencesForm, fault: &'static str) {
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

/// When the next email is sent.
#[derive(Template)]
#[template(path = "next_email.html")]
enum Next {
    AtOnce,
    /// In the user's time zone.
    On(DisplayTime),
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
                Self::On(DisplayTime::of_email(next_send_time, &digest_schedule.zone))
            }
        }
    }
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    current_user: CurrentUser,
) -> PageResult {
    let is_saved = was_just_saved(&query, ctx.clock.now());
    show_page(&ctx, current_user, |page| page.is_saved = is_saved).await
}

/// A sentence for the page's script: when the next email would be sent if the form were saved as it is.
pub(super) async fn show_next(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    current_user: CurrentUser,
) -> PageResult {
    let (digest_schedule, is_subscribed) = match read_timetable(&query) {
        (read, None) => read,
        (_, Some(fault)) => return Ok((StatusCode::UNPROCESSABLE_ENTITY, fault).into_response()),
    };
    let at =
        preferences::preview_send_time(&ctx, current_user.user, digest_schedule.clone()).await?;
    Ok(page::render(&Next::new(is_subscribed, &digest_schedule, at)))
}

pub(super) async fn change(
    State(ctx): State<Arc<Ctx>>,
    CsrfForm { current_user, fields }: CsrfForm,
) -> PageResult {
    let typed = read(&fields);
    if let Some(fault) = typed.fault {
        let page = show_page(&ctx, current_user, |page| page.keep(typed, fault));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page.await?).into_response());
    }
    preferences::choose(&ctx, current_user.user, typed.wanted, typed.unmuted).await?;
    let now = ctx.clock.now().as_second();
    Ok(Redirect::to(&format!("/preferences?saved={now}")).into_response())
}

/// Whether the URL is the redirect after saving, and not a bookmark or a later visit.
fn was_just_saved(query: &Fields, now: Timestamp) -> bool {
    let at = query.value("saved").parse::<i64>();
    at.is_ok_and(|at| (0..SAVED_FOR).contains(&now.as_second().saturating_sub(at)))
}

async fn show_page(
    ctx: &Ctx,
    current_user: CurrentUser,
    change: impl FnOnce(&mut PreferencesPage),
) -> PageResult {
    let Some(chosen) = preferences::of(ctx, current_user.user).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let mut page = PreferencesPage::new(current_user.frame, chosen);
    change(&mut page);
    Ok(page::render(&page))
}
