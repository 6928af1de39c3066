//! The admin page. Users who are not operators get a 404.

mod chart;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::chart::{Chart, HEIGHT};
use super::page::{self, PageResult};
use super::session::{CsrfForm, CurrentUser, Fields, PageContext, UrlQuery};
use super::time::DisplayTime;
use crate::accounts::access_requests;
use crate::context::Ctx;
use crate::domain::quota::Bucket;
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::status::{self, Consent, Day, Mailbox, Status, UserPage};
use crate::store::{StoreError, Tx, preferences};

/// Users per page.
const USERS: u32 = 30;
/// The newest runs to show per job.
const RUNS: usize = 3;
/// In characters, for text that comes from users or servers.
const MAX_NAME_LENGTH: usize = 60;
const MAX_SENTENCE_LENGTH: usize = 200;

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    frame: PageContext,
    zone: TimeZone,
    status: Status,
    charts: Vec<Chart>,
    page: u64,
    pages: u64,
}

/// Handles every method, so that other users get a 404 for all of them.
pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    current_user: Result<CurrentUser, Response>,
    UrlQuery(query): UrlQuery,
    request: Request,
) -> PageResult {
    let current_user = match current_user {
        Ok(current_user) if current_user.frame.is_operator => current_user,
        Err(fault) if fault.status().is_server_error() => return Ok(fault),
        Ok(_) | Err(_) => return Ok(page::not_found().await),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refused = page::method_not_allowed(request).await;
        return Ok(([(header::ALLOW, "GET,HEAD")], refused).into_response());
    }
    let (number, cadence) = (page_number(&query), ctx.cadence.clone());
    let users = UserPage { skip: (number - 1) * u64::from(USERS), most: USERS };
    let load = move |tx: &Tx<'_>| {
        let status = status::load(tx, &cadence, users)?;
        Ok::<_, StoreError>((status, preferences::of(tx, current_user.user)?))
    };
    let (status, wanted) = ctx.db.read("load admin page", load).await?;
    let zone = wanted.map_or(TimeZone::UTC, |wanted| wanted.digest_schedule.zone);
    Ok(page::render(&AdminPage::new(current_user.frame, zone, status, number)))
}

/// Removes an access request.
pub(super) async fn delete_access_request(
    State(ctx): State<Arc<Ctx>>,
    Path(number): Path<String>,
    form: Result<CsrfForm, Response>,
) -> PageResult {
    match form {
        Ok(form) if form.current_user.frame.is_operator => {}
        Err(fault) if !fault.status().is_redirection() => return Ok(fault),
        Ok(_) | Err(_) => return Ok(page::not_found().await),
    }
    let Ok(number) = number.parse() else { return Ok(page::not_found().await) };
    access_requests::forget(&ctx, number).await?;
    Ok(Redirect::to("/admin#people").into_response())
}

/// Counted from 1, which is also the page if there is no valid number.
fn page_number(query: &Fields) -> u64 {
    u64::from(query.value("page").parse::<u32>().unwrap_or(1).max(1))
}

impl AdminPage {
    /// This page in the menu.
    const PATH: &str = "/admin";

    fn new(frame: PageContext, zone: TimeZone, status: Status, page: u64) -> Self {
        let allowed = u64::from(status.calls.artist_albums_allowed);
        let charts = status.calls.by_day.iter().map(|history| {
            Chart::new(history, (history.bucket == Bucket::ArtistAlbums).then_some(allowed))
        });
        let pages = status.users.all.div_ceil(u64::from(USERS)).max(1);
        Self { charts: charts.collect(), page: page.min(pages), pages, frame, zone, status }
    }

    fn exact(&self, at: &Timestamp) -> DisplayTime {
        DisplayTime::exact(*at, &self.zone)
    }

    fn day(&self, at: &Timestamp) -> DisplayTime {
        DisplayTime::day(*at, &self.zone)
    }

    /// The days of the charts with the calls per bucket, newest first.
    fn days(&self) -> Vec<(DisplayTime, Vec<u64>)> {
        let days = self.status.calls.by_day.first().map_or(&[][..], |history| &history.days);
        let row = |(n, day): (usize, &Day)| {
            let histories = self.status.calls.by_day.iter();
            let calls = histories.map(|of| of.days.get(n).map_or(0, |day| day.calls));
            (DisplayTime::date(day.day), calls.collect())
        };
        days.iter().enumerate().rev().map(row).collect()
    }

    fn runs(&self) -> Vec<&JobRun> {
        self.status.jobs().flat_map(|runs| runs.iter().take(RUNS)).collect()
    }
}

fn short(words: &str, longest: usize) -> String {
    match words.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

fn name(words: &str) -> String {
    short(words, MAX_NAME_LENGTH)
}

fn sentence(words: &str) -> String {
    short(words, MAX_SENTENCE_LENGTH)
}

fn title(bucket: &Bucket) -> &'static str {
    chart::title(*bucket)
}

/// A word from the database, without underscores.
fn plain(word: &str) -> String {
    word.replace('_', " ")
}

fn megabytes(bytes: &u64) -> u64 {
    bytes / 1_000_000
}

/// `1s 20ms`
fn took(run: &JobRun) -> String {
    format!("{:#}", run.took())
}
