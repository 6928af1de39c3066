//! The operator's page: how the instance stands. Who does not keep it finds no page here.

mod chart;

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use self::chart::{Chart, HEIGHT};
use super::page;
use super::visit::{Frame, SignedForm, Visit};
use super::when::When;
use crate::accounts::callers;
use crate::context::Ctx;
use crate::domain::quota::Bucket;
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::status::{self, Consent, Mailbox, Page, Report, Status};
use crate::store::{StoreError, Tx, preferences};

/// Users on a page.
const USERS: u32 = 30;
/// Runs of a job that are shown, the newest.
const RUNS: usize = 3;
/// Characters of a name, and of a sentence that quotes somebody.
const MAX_NAME_LENGTH: usize = 60;
const MAX_SENTENCE_LENGTH: usize = 200;

#[derive(Template)]
#[template(path = "operator.html")]
struct Operator {
    frame: Frame,
    zone: TimeZone,
    report: Report,
    charts: Vec<Chart>,
    page: u64,
    pages: u64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Paging {
    page: Option<String>,
}

/// For any method, since who does not keep the instance is not to learn that there is such a page.
pub(super) async fn show(
    State(ctx): State<Arc<Ctx>>,
    visit: Result<Visit, Response>,
    paging: Result<Query<Paging>, QueryRejection>,
    request: Request,
) -> Response {
    let visit = match visit {
        Ok(visit) if visit.frame.is_operator => visit,
        Err(fault) if fault.status().is_server_error() => return fault,
        Ok(_) | Err(_) => return page::not_found().await,
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refused = page::wrong_method(request).await;
        return ([(header::ALLOW, "GET,HEAD")], refused).into_response();
    }
    let (number, cadence) =
        (paging.map_or(1, |Query(paging)| paging.number()), ctx.cadence.clone());
    let users = Page { skip: (number - 1) * u64::from(USERS), most: USERS };
    let gather = move |tx: &Tx<'_>| {
        let report = status::report(tx, &cadence, users)?;
        Ok::<_, StoreError>((report, preferences::of(tx, visit.user)?))
    };
    match ctx.db.read("operator's page", gather).await {
        Ok((report, wanted)) => {
            let zone = wanted.map_or(TimeZone::UTC, |wanted| wanted.digest_schedule.zone);
            page::render(&Operator::new(visit.frame, zone, report, number))
        }
        Err(error) => page::our_fault(&error),
    }
}

/// Takes somebody off the list of those who ask to be entered.
pub(super) async fn forget_caller(
    State(ctx): State<Arc<Ctx>>,
    Path(number): Path<String>,
    form: Result<SignedForm, Response>,
) -> Response {
    match form {
        Ok(form) if form.visit.frame.is_operator => {}
        Err(fault) if !fault.status().is_redirection() => return fault,
        Ok(_) | Err(_) => return page::not_found().await,
    }
    let Ok(number) = number.parse() else { return page::not_found().await };
    match callers::forget(&ctx, number).await {
        Ok(()) => Redirect::to("/operator#people").into_response(),
        Err(error) => page::our_fault(&error),
    }
}

impl Paging {
    /// From 1; the first where it is no number.
    fn number(&self) -> u64 {
        let number: Option<u32> = self.page.as_deref().and_then(|page| page.parse().ok());
        u64::from(number.unwrap_or(1).max(1))
    }
}

impl Operator {
    /// The place in the list of pages.
    const PATH: &str = "/operator";

    fn new(frame: Frame, zone: TimeZone, report: Report, page: u64) -> Self {
        let allowed = u64::from(report.status.allowed);
        let charts = report.calls.iter().map(|history| {
            Chart::new(history, (history.bucket == Bucket::ArtistAlbums).then_some(allowed))
        });
        let pages = report.status.users.all.div_ceil(u64::from(USERS)).max(1);
        Self { charts: charts.collect(), page: page.min(pages), pages, frame, zone, report }
    }

    fn status(&self) -> &Status {
        &self.report.status
    }

    fn exact(&self, at: &Timestamp) -> When {
        When::exact(*at, &self.zone)
    }

    fn day(&self, at: &Timestamp) -> When {
        When::day(*at, &self.zone)
    }

    /// The days that the charts show and the calls of each bucket, the newest first.
    fn days(&self) -> Vec<(When, Vec<u64>)> {
        let days = self.report.calls.first().map_or(&[][..], |history| &history.days);
        let row = |(n, (day, _)): (usize, &(Date, u64))| {
            let calls = self.report.calls.iter().map(|of| of.days.get(n).map_or(0, |day| day.1));
            (When::date(*day), calls.collect())
        };
        days.iter().enumerate().rev().map(row).collect()
    }

    /// The last runs of each job.
    fn runs(&self) -> Vec<&JobRun> {
        self.report.jobs().flat_map(|runs| runs.iter().take(RUNS)).collect()
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

/// What calls of a bucket are for.
fn title(bucket: &Bucket) -> &'static str {
    chart::title(*bucket)
}

/// A word of the database's as users write it.
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
