//! The metrics: correct values, stable names, no personal data. The dashboard, the alerts and the docs use
//! only metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dropday::demo::services::serve;
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::operator_alert::OperatorAlert;
use dropday::domain::user::EmailAddress;
use dropday::gateway::Operator;
use dropday::web;
use reqwest::StatusCode;
use serde_json::Value;

use crate::binary::{Machine, free_address};
use crate::test_app::{START, TestApp};
use crate::visitor::{Answer, Visitor};

/// A page of metrics, parsed as Prometheus does.
struct Page {
    text: String,
    /// All series with their values: `dropday_users{state="all"}`.
    series: BTreeMap<String, f64>,
}

/// A metric, as the page describes it.
#[derive(Debug, PartialEq, Eq)]
struct Metric {
    name: String,
    kind: String,
    labels: String,
    help: String,
}

impl Page {
    fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        Self { text: text.to_owned(), series: series.collect() }
    }

    async fn of(app: &TestApp) -> Self {
        let answer = ask(app).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
        Self::read(&answer.body)
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        let name = format!("dropday_{series}");
        *self.series.get(&name).unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The metrics, from their comments and first series.
    fn metrics(&self) -> Vec<Metric> {
        let comments = self.text.lines().filter_map(|line| line.strip_prefix("# HELP "));
        let metric = |comment: &str| {
            let (name, help) = comment.split_once(' ').unwrap();
            let kind = self.text.split(&format!("# TYPE {name} ")).nth(1).unwrap();
            let kind = kind.lines().next().unwrap().to_owned();
            let series = self.series.keys().filter(|series| metric_of(series) == name);
            let labels: BTreeSet<_> = series.flat_map(|series| labels_of(series)).collect();
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            Metric { name: name.to_owned(), kind, labels: labels.join(", "), help: help.to_owned() }
        };
        comments.map(metric).collect()
    }
}

/// Scrapes a new listener, which has nothing cached.
async fn ask(app: &TestApp) -> Answer {
    let serving = serve(|_| web::metrics::router(Arc::clone(&app.ctx))).await;
    let (url, _server) = serving.unwrap();
    Visitor::new(&url).get("/metrics").await
}

/// `dropday_email_delay_seconds` of one of its buckets.
fn metric_of(series: &str) -> &str {
    let name = series.split('{').next().unwrap();
    let parts = ["_bucket", "_sum", "_count"];
    parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

fn labels_of(series: &str) -> Vec<String> {
    let labels = series.split_once('{').map_or("", |(_, labels)| labels);
    let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
    names.filter(|name| *name != "le").map(str::to_owned).collect()
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let app = TestApp::with(&[("SCHEDULE__ZONE", "Europe/Berlin")]).await;
    let [one, two] = ["Röyksopp", "Robyn"].map(|name| app.world.add_artist(name));
    app.listener("Martha", &[&one, &two]).await;
    app.round().await;
    // Monday noon UTC is 13:00 in Berlin.
    app.world.publish(&one, NewAlbum::titled("New").on("2026-11-23"));
    app.advance_hours(1);
    app.checks().await;
    app.advance_hours(2);
    app.emails().await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::server_error()]);
    app.checks().await;

    let page = Page::of(&app).await;
    assert_eq!(page.value("users{state=\"all\"}"), 1.0);
    assert_eq!(page.value("artists{state=\"tracked\"}"), 2.0);
    assert_eq!(page.value("artists{state=\"failing\"}"), 1.0);
    assert_eq!(page.value("artists_unchecked{longer_than_days=\"1\"}"), 0.0);
    let calls = "spotify_calls_total{bucket=\"artist_albums\",outcome=";
    assert_eq!(page.value(&format!("{calls}\"failed\"}}")), 1.0);
    assert_eq!(page.value(&format!("{calls}\"ok\"}}")), 5.0);
    assert_eq!(page.value("spotify_calls_last_day{bucket=\"artist_albums\"}"), 6.0);
    assert_eq!(page.value("spotify_calls_allowed{bucket=\"artist_albums\"}"), 80.0);
    assert_eq!(page.value("spotify_calls_left{bucket=\"artist_albums\"}"), 74.0);
    assert_eq!(page.value("detection_delay_seconds_count"), 1.0);
    assert_eq!(page.value("detection_delay_seconds_sum"), 14.0 * 3600.0);
    assert_eq!(page.value("email_delay_seconds_sum{kind=\"news\"}"), 2.0 * 3600.0);
    assert_eq!(page.value("emails_total{kind=\"news\",outcome=\"sent\"}"), 1.0);
    assert_eq!(page.value("consents_ending{within_days=\"90\"}"), 0.0);
    assert_eq!(page.value("consents_ending{within_days=\"190\"}"), 1.0);
    assert!(page.value("database_size_bytes{part=\"file\"}") > 0.0);

    app.advance_days(2);
    let later = Page::of(&app).await;
    assert_eq!(later.value("artists_unchecked{longer_than_days=\"1\"}"), 2.0);
    assert_eq!(later.value("artists_unchecked{longer_than_days=\"3\"}"), 0.0);
    app.finish().await;
}

#[tokio::test]
async fn metrics_show_pending_work_and_its_age() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.inbox.stop().await;
    app.world.publish(&artist, NewAlbum::titled("New"));
    app.round().await;
    app.advance_hours(2);
    app.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: Some(600) }]);
    app.checks().await;
    let page = Page::of(&app).await;
    assert_eq!(page.value("emails_pending{longer_than_minutes=\"60\"}"), 1.0);
    assert_eq!(page.value("emails_pending{longer_than_minutes=\"360\"}"), 0.0);
    assert_eq!(page.value("emails_deferred"), 1.0);
    assert_eq!(page.value("emails_total{kind=\"news\",outcome=\"deferred\"}"), 1.0);
    assert_eq!(page.value("spotify_pause_seconds{scope=\"all\"}"), 600.0);
    assert_eq!(page.value("spotify_pause_seconds{scope=\"following\"}"), 0.0);
    app.finish_owing(1).await;
}

#[tokio::test]
async fn series_do_not_depend_on_users() {
    let app = TestApp::new().await;
    let before = Page::of(&app).await;
    let (artists, martha) = app.listener_of("Martha", 3).await;
    app.round().await;
    app.world.publish(&artists[0], NewAlbum::titled("Unmistakable"));
    app.round().await;
    let operator = Operator::at(Some(&EmailAddress::parse("op@example.com").unwrap()));
    app.ctx
        .db
        .write("test", move |tx| operator.enqueue_alert(tx, OperatorAlert::PremiumLapsed))
        .await
        .unwrap();
    app.emails().await;
    let after = Page::of(&app).await;
    let names = |page: &Page| page.series.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    assert!(after.series.len() < 400, "{} series", after.series.len());
    let id = &artists[0];
    for private in
        ["Unmistakable", "Artist 000", id, "Martha", "martha", &martha.address, "example.com"]
    {
        assert!(!after.text.contains(private), "{private} in {}", after.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn metrics_doc_lists_all_metrics() {
    let app = TestApp::new().await;
    let page = Page::of(&app).await;
    let row = |metric: Metric| {
        let Metric { name, kind, labels, help } = metric;
        format!("| `{name}` | {kind} | {labels} | {help} |\n")
    };
    let table: String = page.metrics().into_iter().map(row).collect();
    assert!(
        file("docs/metrics.md").contains(&format!("\n|---|---|---|---|\n{table}\n")),
        "the table is:\n{table}"
    );
    app.finish().await;
}

/// The metrics and label values in a query.
fn named(query: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = query.split(|c: char| !is_part(c));
    words.filter(|word| word.starts_with("dropday_")).map(str::to_owned).collect()
}

/// `(dropday_users, state, all)` for each matcher with one value.
fn matchers(query: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (at, _) in query.match_indices('{') {
        let name = named(&query[..at]).pop().unwrap_or_default();
        let inside = query[at + 1..].split('}').next().unwrap();
        for matcher in inside.split(',').filter(|matcher| !matcher.contains('~')) {
            let (label, value) = matcher.split_once('=').unwrap();
            found.push((
                name.clone(),
                label.trim_end_matches('!').to_owned(),
                value.trim_matches('"').to_owned(),
            ));
        }
    }
    found
}

async fn assert_all_exist(queries: &[String], least: usize) {
    let app = TestApp::new().await;
    let page = Page::of(&app).await;
    let known: BTreeSet<String> =
        page.series.keys().map(|series| series.split('{').next().unwrap().to_owned()).collect();
    assert!(queries.len() >= least, "{queries:?}");
    for query in queries {
        let names = named(query);
        assert!(!names.is_empty() || query.contains("up{"), "{query} asks for nothing of ours");
        for name in names {
            assert!(known.contains(&name), "{query}: there is no {name}");
        }
        for (name, label, value) in
            matchers(query).into_iter().filter(|(name, ..)| !name.is_empty())
        {
            let is_there = page.series.keys().any(|series| {
                series.starts_with(&format!("{name}{{"))
                    && series.contains(&format!("{label}=\"{value}\""))
            });
            assert!(is_there, "{query}: no {name} has {label}=\"{value}\"");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn dashboard_uses_only_existing_metrics() {
    let dashboard: Value = serde_json::from_str(&file("ops/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels {
        assert!(
            panel["title"].is_string() && panel["datasource"]["uid"] == "${datasource}",
            "{panel}"
        );
    }
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert_all_exist(&queries, 12).await;
}

#[tokio::test]
async fn alerts_use_only_existing_metrics_and_have_instructions() {
    let rules = file("ops/alerts.yml");
    let of = |key: &str| -> Vec<String> {
        let lines =
            rules.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    // A query may have several lines.
    let queries = rules.split("expr:").skip(1).map(|rest| rest.split("labels:").next().unwrap());
    let queries: Vec<String> = queries.map(str::to_owned).collect();
    let alerts = of("alert:");
    assert_eq!(alerts.len(), queries.len());
    assert_eq!(of("summary:").len(), alerts.len(), "each says what is wrong");
    assert_eq!(of("description:").len(), alerts.len(), "each says what to do");
    assert_all_exist(&queries, 8).await;
}

#[tokio::test]
async fn metrics_are_served_only_at_their_own_address() {
    let address = free_address();
    let machine = Machine::with(&[("METRICS__LISTEN", &address)]).await;
    let mut daemon = machine.serve().await;
    assert_eq!(machine.visitor().get("/metrics").await.status, StatusCode::NOT_FOUND);
    let metrics = Visitor::new(&format!("http://{address}"));
    let page = metrics.get("/metrics").await;
    assert!(page.status == StatusCode::OK && page.body.contains("dropday_build_info"), "{page:?}");
    assert_eq!(metrics.get("/").await.status, StatusCode::NOT_FOUND);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());

    let ended = machine.run_with(&[("METRICS__LISTEN", &machine.address)], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("`metrics.listen` must differ"), "{ended:?}");
    let ended = machine.run_with(&[("METRICS__LISTEN", "yes")], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    machine.finish().await;
}

#[tokio::test]
async fn frequent_scrapes_cause_one_database_query() {
    let app = TestApp::new().await;
    let serving = serve(|_| web::metrics::router(Arc::clone(&app.ctx))).await;
    let (url, _server) = serving.unwrap();
    let prometheus = Visitor::new(&url);
    let first = prometheus.get("/metrics").await.body;
    app.listener("Martha", &[]).await;
    for page in futures_util::future::join_all((0..20).map(|_| prometheus.get("/metrics"))).await {
        assert_eq!(page.body, first);
    }
    app.clock.advance(Duration::from_secs(6));
    let later = prometheus.get("/metrics").await.body;
    assert_eq!(Page::read(&later).value("users{state=\"all\"}"), 1.0);
    app.clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    assert_ne!(
        prometheus.get("/metrics").await.body,
        later,
        "a clock that steps back holds up nothing"
    );
    app.clock.set(START.parse().unwrap());
    app.finish().await;
}
