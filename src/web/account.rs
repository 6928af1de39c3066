//! The account page: account health, recent emails, address, sign-out.

mod emails;
mod load;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::emails::Line;
use self::load::{AccountData, load};
use super::cookies::{self, Purpose};
use super::page::{self, PageResult, is_just_now, shown};
use super::session::{CsrfForm, CurrentUser, PageContext, UrlQuery};
use super::time::DisplayTime;
use crate::accounts::address::{self, AddressError};
use crate::accounts::sample::{self, SampleResult};
use crate::accounts::session;
use crate::context::Ctx;
use crate::domain::account_health::{Address, Condition, Severity};
use crate::domain::consent::ends_at;
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::jobs::worker::{Job, JobNotifier};
use crate::store::outbox::EmailState;
use crate::store::overdue::Overdue;
use crate::store::status::Artists;
use crate::store::users::User;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: PageContext,
    now: Timestamp,
    zone: TimeZone,
    conditions: Vec<Condition>,
    user: User,
    artists: Artists,
    overdue: Vec<Overdue>,
    emails: Vec<Line>,
    address: String,
    awaiting: String,
    typed: String,
    typed_fault: Option<String>,
    emails_come: Option<String>,
    sampled_at: Option<Timestamp>,
    /// The result of a request for a sample email, right after it was made.
    sample: Option<SampleResult>,
}

impl AccountPage {
    /// This page in the menu.
    const PATH: &str = "/account";

    fn new(data: AccountData, frame: PageContext, now: Timestamp) -> Self {
        let AccountData {
            user,
            wanted,
            awaiting,
            artists,
            overdue,
            emails,
            sampled_at,
            conditions,
        } = data;
        let (address, awaiting) = (shown(user.address.as_ref()), shown(awaiting.as_ref()));
        let suggested = shown(user.suggested_address.as_ref());
        let typed = [&awaiting, &address, &suggested].into_iter().find(|a| !a.is_empty()).cloned();
        Self {
            frame,
            now,
            conditions,
            artists,
            overdue,
            emails: emails.into_iter().map(Line::new).collect(),
            address,
            awaiting,
            typed: typed.unwrap_or_default(),
            typed_fault: None,
            emails_come: wanted.is_subscribed.then(|| emails_come(&wanted.digest_schedule)),
            sampled_at,
            sample: None,
            zone: wanted.digest_schedule.zone,
            user,
        }
    }

    fn day(&self, at: &Timestamp) -> DisplayTime {
        DisplayTime::day(*at, &self.zone)
    }

    fn exact(&self, at: &Timestamp) -> DisplayTime {
        DisplayTime::exact(*at, &self.zone)
    }

    fn is_past(&self, at: &Timestamp) -> bool {
        *at <= self.now
    }

    fn class(condition: &Condition) -> &'static str {
        match condition.severity() {
            Severity::Ok => "good",
            Severity::Info => "wait",
            Severity::Error => "bad",
        }
    }

    fn is_all_well(&self) -> bool {
        self.conditions == [Condition::AllWell]
    }

    /// `the last 24 hours`, `the last 3 days`: the age of the oldest check.
    fn checked_within(&self) -> Option<String> {
        let hours = self.now.duration_since(self.artists.oldest_check?).as_hours().max(0);
        Some(match hours / 24 {
            0 => "the last 24 hours".to_owned(),
            days => format!("the last {} days", days + 1),
        })
    }

    fn consent_ends(&self) -> Option<DisplayTime> {
        let ends = self.user.authorized_at.map(ends_at).filter(|ends| !self.is_past(ends))?;
        Some(self.day(&ends))
    }

    /// Whether the address form is shown at the top, because something is wrong with the address.
    fn is_address_in_the_way(&self) -> bool {
        self.conditions.iter().any(|condition| {
            matches!(
                condition,
                Condition::NoAddress | Condition::NotConfirmed | Condition::AddressBounces(_)
            )
        })
    }

    fn can_have_a_sample(&self) -> bool {
        self.user.deleted_at.is_none()
            && load::address_of(&self.user, !self.awaiting.is_empty()) == Address::Confirmed
    }

    fn has_just_asked_for_a_sample(&self) -> bool {
        self.sampled_at.is_some_and(|at| is_just_now(at, self.now))
    }

    fn last_check(&self, artist: &Overdue) -> Option<DisplayTime> {
        artist.checked_at.map(|at| self.day(&at))
    }
}

/// When emails are sent, to follow "You get new releases by email".
fn emails_come(digest_schedule: &DigestSchedule) -> String {
    let (hour, zone) = (digest_schedule.hour, digest_schedule.zone.iana_name().unwrap_or("UTC"));
    match digest_schedule.frequency {
        DigestFrequency::AtOnce => "right away".to_owned(),
        DigestFrequency::Daily => format!("once a day, at {hour}:00 ({zone})"),
        DigestFrequency::Weekly(day) => format!("once a week, on {day:?} at {hour}:00 ({zone})"),
    }
}

pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    current_user: CurrentUser,
) -> PageResult {
    let asks = query.has("sample");
    show_page(&ctx, current_user, |page| {
        page.sample = (asks && page.has_just_asked_for_a_sample()).then_some(SampleResult::Pending);
    })
    .await
}

async fn show_page(
    ctx: &Ctx,
    current_user: CurrentUser,
    change: impl FnOnce(&mut AccountPage),
) -> PageResult {
    let (cadence, user, now) = (ctx.cadence.clone(), current_user.user, ctx.clock.now());
    let data = ctx.db.read("load account page", move |tx| load(tx, user, &cadence)).await?;
    let Some(data) = data else { return Ok(Redirect::to("/").into_response()) };
    let mut account = AccountPage::new(data, current_user.frame, now);
    change(&mut account);
    Ok(page::render(&account))
}

pub(super) async fn change_address(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    CsrfForm { current_user, fields }: CsrfForm,
) -> PageResult {
    let typed = fields.value("email");
    match address::submit(&ctx, current_user.user, typed).await {
        Ok(_) => {
            notifier.notify(Job::SendEmails);
            Ok(Redirect::to("/account").into_response())
        }
        Err(AddressError::Store(error)) => Err(error.into()),
        Err(fault) => {
            let page = show_page(&ctx, current_user, |page| {
                page.typed = typed.to_owned();
                page.typed_fault = Some(fault.to_string());
            });
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.await?).into_response())
        }
    }
}

/// Sends a sample email; the page says so, or why not.
pub(super) async fn send_sample(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    match sample::ask(&ctx, current_user.user).await? {
        SampleResult::Pending => {
            notifier.notify(Job::SendEmails);
            Ok(Redirect::to("/account?sample").into_response())
        }
        refused => {
            let page = show_page(&ctx, current_user, |page| page.sample = Some(refused));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.await?).into_response())
        }
    }
}

pub(super) async fn sign_out(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    session::sign_out(&ctx, &current_user.session).await?;
    Ok(signed_out(&ctx, jar))
}

pub(super) async fn sign_out_everywhere(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    session::sign_out_everywhere(&ctx, current_user.user).await?;
    Ok(signed_out(&ctx, jar))
}

fn signed_out(ctx: &Ctx, jar: CookieJar) -> Response {
    (cookies::clear(jar, ctx, Purpose::Session), Redirect::to("/")).into_response()
}
