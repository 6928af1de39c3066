//! Job runs are recorded for the status, in few rows and with few writes.

use std::time::Duration;

use dropday::clock::Clock;
use dropday::store::job_runs::{self, JobRun, RunResult};

use crate::binary::{Machine, eventually};
use crate::test_app::TestApp;

async fn record(app: &TestApp, result: RunResult, is_idle: bool, did: &str) {
    let now = app.clock.now();
    let (job, did) = ("emails".to_owned(), did.to_owned());
    let run = JobRun { job, started_at: now, ended_at: now, result, is_idle, did };
    app.ctx.db.write("test", move |tx| job_runs::note(tx, &run)).await.unwrap();
}

async fn latest(app: &TestApp) -> Vec<JobRun> {
    app.ctx.db.read("test", job_runs::latest).await.unwrap()
}

fn minute(app: &TestApp) {
    app.clock.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn idle_runs_share_one_row_updated_every_ten_minutes() {
    let app = TestApp::new().await;
    let mut noted = Vec::new();
    for _ in 0..24 * 60 {
        record(&app, RunResult::Ok, true, "0 emails sent").await;
        let runs = latest(&app).await;
        assert_eq!(runs.len(), 1);
        assert!(app.now().duration_since(runs[0].ended_at).as_mins() < 10);
        noted.push(runs[0].ended_at);
        minute(&app);
    }
    noted.dedup();
    assert_eq!(noted.len(), 24 * 6);
    app.finish().await;
}

#[tokio::test]
async fn repeated_failure_is_one_row_and_recovery_shows_immediately() {
    let app = TestApp::new().await;
    record(&app, RunResult::Ok, false, "3 emails sent").await;
    for _ in 0..60 {
        minute(&app);
        record(&app, RunResult::Failed, false, "0 emails sent, 1 deferred").await;
    }
    let runs = latest(&app).await;
    let results: Vec<_> = runs.iter().map(|run| run.result).collect();
    assert_eq!(results, [RunResult::Failed, RunResult::Ok]);
    assert!(app.now().duration_since(runs[0].ended_at).as_mins() < 10, "it is updated");
    minute(&app);
    record(&app, RunResult::Ok, true, "0 emails sent").await;
    assert_eq!(latest(&app).await[0].ended_at, app.now());
    app.finish().await;
}

#[tokio::test]
async fn last_twenty_runs_and_last_success_are_kept() {
    let app = TestApp::new().await;
    record(&app, RunResult::Ok, false, "3 emails sent").await;
    for n in 0..100 {
        minute(&app);
        record(&app, RunResult::Failed, false, &format!("{n} put off")).await;
    }
    let runs = latest(&app).await;
    assert_eq!(runs.len(), 21);
    assert_eq!((runs[0].did.as_str(), runs[19].did.as_str()), ("99 put off", "80 put off"));
    assert_eq!(runs[20].did, "3 emails sent");
    app.finish().await;
}

#[tokio::test]
async fn run_is_recorded_after_clock_is_set_back() {
    let app = TestApp::new().await;
    app.advance_days(300);
    record(&app, RunResult::Ok, true, "0 emails sent").await;
    app.clock.set(crate::test_app::START.parse().unwrap());
    record(&app, RunResult::Ok, true, "0 emails sent").await;
    assert_eq!(latest(&app).await[0].ended_at, app.now());
    app.finish().await;
}

#[tokio::test]
async fn status_shows_runs_of_each_job() {
    let machine = Machine::new().await;
    let _daemon = machine.serve().await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;
    let jobs = eventually("runs of every job", async || {
        let jobs = machine.status().await["jobs"].clone();
        let said = jobs.to_string();
        let all = ["emails sent", "follow lists (added 1 artists", "checked 1 artists (1"];
        all.iter().all(|did| said.contains(did)).then_some(jobs)
    })
    .await;
    for job in ["emails", "follows", "hints", "releases"] {
        assert!(jobs[job]["last_ok"].is_string(), "{job} of {jobs}");
        let runs = jobs[job]["runs"].as_array().unwrap();
        assert!(runs.iter().all(|run| run["result"] == "ok"), "{jobs}");
    }
    let table = machine.run(&["status"]).await.out;
    assert!(table.contains("Jobs") && table.contains("  follows"), "{table}");
    machine.finish().await;
}
