//! Hints: they speed up checks and do no harm.

use std::time::Duration;

use dropday::accounts::delete_account::delete_account;
use dropday::demo::hints::Rumour;
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::hint::SourceName;
use dropday::domain::user::UserId;
use dropday::jobs::{RunControl, Scope, fetch_hints};
use dropday::store::hint_sources::Health;
use tokio_util::sync::CancellationToken;

use crate::home::{Home, Settings};

const ON: (&str, &str) = ("HINTS__ENABLED", "true");

/// A home with hint sources and that many artists, each checked once.
async fn home(artists: usize, settings: Settings<'_>) -> (Home, Vec<String>) {
    let home = Home::with(&[&[ON], settings].concat()).await;
    let (artists, _) = home.listener_of("Martha", artists).await;
    home.follows().await;
    (home, artists)
}

/// The same, but no artist is due for a check.
async fn checked_at(artists: usize, settings: Settings<'_>) -> (Home, Vec<String>) {
    let (home, artists) = home(artists, settings).await;
    home.checks().await;
    home.advance_hours(1);
    home.world.forget_requests();
    (home, artists)
}

/// The artists that were checked, in order.
fn asked(home: &Home) -> Vec<String> {
    let requests = home.world.requests().into_iter();
    let albums = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    albums.map(|request| request.path.split('/').nth(3).unwrap().to_owned()).collect()
}

fn rumour(artist: &str) -> Rumour {
    Rumour {
        artist: Some(artist.to_owned()),
        name: "Whoever".to_owned(),
        title: "Vapourware".to_owned(),
        date: "2026-11-23".to_owned(),
    }
}

async fn health(home: &Home, source: SourceName) -> Health {
    let sources = home.status().await.hint_sources;
    sources.into_iter().find(|health| health.source == source).expect("it was asked")
}

#[tokio::test]
async fn hinted_artist_is_checked_first() {
    let (home, artists) = checked_at(30, &[]).await;
    home.world.publish(&artists[17], NewAlbum::titled("Fresh"));
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0, "nobody is due");
    assert_eq!(home.hints().await.given, 1);
    let outcome = home.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1));
    assert_eq!(asked(&home), [artists[17].clone()]);
    home.emails().await;
    assert_eq!(home.emails_to("martha@example.com").len(), 1);
    assert_eq!(health(&home, SourceName::ListenBrainz).await.hints.confirmed, 1);

    home.world.publish(&artists[23], NewAlbum::titled("Fresh too"));
    home.advance_hours(7);
    home.hints().await;
    home.world.forget_requests();
    home.checks().await;
    assert_eq!(asked(&home)[0], artists[23], "first, where others are due too");
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn unconfirmed_hint_is_retried_with_backoff_then_dropped() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(rumour(&artists[0]));
    assert_eq!(home.hints().await.given, 1);
    let mut distances = Vec::new();
    let mut last = home.now();
    for _ in 0..24 * 12 {
        let before = home.world.count(Endpoint::ArtistAlbums);
        // Scheduled checks would come in between.
        home.skip_turns().await;
        home.checks_of(Scope::Due).await;
        if home.world.count(Endpoint::ArtistAlbums) > before {
            distances.push(home.now().duration_since(last).as_hours());
            last = home.now();
        }
        home.advance_hours(1);
        home.hints().await;
    }
    assert_eq!(distances, [0, 9, 24, 48, 96]);
    let counts = health(&home, SourceName::ListenBrainz).await.hints;
    assert_eq!((counts.open, counts.confirmed, counts.dropped), (0, 0, 1));
    home.finish().await;
}

#[tokio::test]
async fn release_that_reaches_spotify_late_is_found_on_retry() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(rumour(&artists[0]));
    home.hints().await;
    assert_eq!(home.checks_of(Scope::Due).await.checked, 1);
    home.advance_hours(8);
    home.skip_turns().await;
    home.world.publish(&artists[0], NewAlbum::titled("Vapourware").on("2026-11-23"));
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0);
    home.advance_hours(1);
    assert_eq!(home.checks_of(Scope::Due).await.news, 1);
    assert_eq!(health(&home, SourceName::ListenBrainz).await.hints.confirmed, 1);
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn repeated_or_known_releases_are_no_new_hints() {
    let (home, artists) = checked_at(2, &[("HINTS__DEEZER", "true")]).await;
    home.world.publish(&artists[0], NewAlbum::titled("Seen by turns"));
    home.checks().await;
    home.world.forget_requests();
    for _ in 0..8 {
        assert_eq!(home.hints().await.given, 0, "Spotify was seen to have it");
        home.advance_hours(3);
    }
    home.world.publish(&artists[1], NewAlbum::titled("New").on("2026-11-24"));
    assert_eq!(home.hints().await.given, 2, "two sources, once each");
    home.checks_of(Scope::All).await;
    for _ in 0..8 {
        home.advance_hours(7);
        assert_eq!(home.hints().await.given, 0);
    }
    let at_spotify = asked(&home);
    assert_eq!(at_spotify.iter().filter(|id| **id == artists[1]).count(), 1, "{at_spotify:?}");
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn hint_for_tomorrow_waits_until_tomorrow() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(Rumour { date: "2026-11-24".into(), ..rumour(&artists[0]) });
    assert_eq!(home.hints().await.given, 1);
    home.skip_turns().await;
    home.advance_hours(10);
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0, "23 h in UTC");
    home.advance_hours(1);
    assert_eq!(home.checks_of(Scope::Due).await.checked, 1);
    home.finish().await;
}

#[tokio::test]
async fn failing_hint_sources_do_not_affect_news() {
    let page = Fault::Status(200, "application/json", "<html>hello</html>".into());
    let changed = Fault::Status(200, "application/json", r#"{"releases":[{"id":1}]}"#.into());
    let elsewhere = Fault::Status(302, "text/plain", "moved".into());
    // Deezer's answer to too many calls.
    let over_quota =
        r#"{"error":{"type":"Exception","message":"Quota limit exceeded","code":4}}"#.to_owned();
    let faults = [
        Fault::Status(503, "", String::new()),
        Fault::server_error(),
        Fault::bad_gateway(),
        Fault::RateLimited { retry_after: Some(u64::MAX) },
        Fault::Html,
        Fault::Garbled,
        Fault::Truncated,
        Fault::Hang,
        Fault::Huge(50 << 20),
        Fault::Huge(80 << 20),
        Fault::Status(200, "application/json", over_quota),
        page,
        changed,
        elsewhere,
    ];
    let (home, artists) =
        checked_at(2, &[("HINTS__DEEZER", "true"), ("HINTS__TIMEOUT", "1s")]).await;
    home.hints().await;
    home.advance_days(91);
    for (round, fault) in faults.into_iter().enumerate() {
        for source in SourceName::ALL {
            home.catalogues.script(source, [fault.clone()]);
        }
        let outcome = home.hints().await;
        assert!(outcome.silent.len() >= 2, "{fault:?}: {outcome}");
        home.world.publish(&artists[0], NewAlbum::titled(format!("Number {round}.")));
        home.round().await;
        let emails = home.emails_to("martha@example.com");
        assert!(emails.last().unwrap().subject.contains(&format!("Number {round}.")), "{fault:?}");
        home.advance_days(2);
    }
    home.hints().await;
    for source in [SourceName::ListenBrainz, SourceName::Deezer] {
        assert_eq!(health(&home, source).await.failures, 0, "it is asked again in the end");
    }
    home.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_succeeds_when_all_hint_sources_fail() {
    let (home, _) = home(2, &[]).await;
    for source in [SourceName::ListenBrainz, SourceName::MusicBrainz] {
        home.catalogues.script(source, [Fault::Html]);
    }
    let ran = home.once(&[ON]).await;
    let said = String::from_utf8_lossy(&ran.stdout);
    for source in ["; musicbrainz: its answer is not understood", "; listenbrainz: its answer is"] {
        assert!(said.contains(source), "{said}");
    }
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    home.finish().await;
}

#[tokio::test]
async fn musicbrainz_gets_hundred_artists_per_call_each_second() {
    let (home, _) = home(250, &[]).await;
    let outcome = home.hints().await;
    assert_eq!(outcome.identified, 250);
    let requests = home.catalogues.requests(SourceName::MusicBrainz);
    let sizes: Vec<_> = requests.iter().map(|r| r.path.matches("resource=").count()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    for pair in requests.windows(2) {
        assert!(pair[1].at.duration_since(pair[0].at) >= jiff::SignedDuration::from_secs(1));
    }
    let agent = &requests[0].user_agent;
    assert!(agent.starts_with("dropday/") && agent.contains("( dropday@example.com )"), "{agent}");
    home.advance_days(80);
    home.hints().await;
    assert_eq!(home.catalogues.requests(SourceName::MusicBrainz).len(), 3, "once each");
    home.advance_days(11);
    home.hints().await;
    assert_eq!(
        home.catalogues.requests(SourceName::MusicBrainz).len(),
        6,
        "and again now and then"
    );
    home.finish().await;
}

#[tokio::test]
async fn musicbrainz_pause_after_503_survives_restart() {
    let (mut home, _) = home(3, &[]).await;
    let calls = |home: &Home| home.catalogues.requests(SourceName::MusicBrainz).len();
    let busy = Fault::Status(503, "", String::new());
    home.catalogues.script(SourceName::MusicBrainz, [busy.clone(), busy.clone(), busy]);
    let mut waits = Vec::new();
    for _ in 0..3 {
        home.hints().await;
        let (before, since) = (calls(&home), home.now());
        home.restart().await;
        while calls(&home) == before {
            home.clock.advance(Duration::from_secs(10));
            home.hints().await;
        }
        waits.push(home.now().duration_since(since).as_secs());
        // The call after the pause got the next 503.
    }
    assert!(waits[0] >= 90 && waits[1] >= 180 && waits.is_sorted(), "{waits:?}");
    assert_eq!(home.status().await.known_elsewhere.0, 3, "and nothing was lost");
    home.finish().await;
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_a_day() {
    let (home, _) = home(1, &[("HINTS__MUSICBRAINZ", "false")]).await;
    let calls = |home: &Home| home.catalogues.requests(SourceName::ListenBrainz).len();
    for (told, waited) in [(7200, 7200), (9_999_999, 86_400)] {
        home.catalogues
            .script(SourceName::ListenBrainz, [Fault::RateLimited { retry_after: Some(told) }]);
        home.hints().await;
        let before = calls(&home);
        home.clock.advance(Duration::from_secs(waited - 10));
        home.hints().await;
        assert_eq!(calls(&home), before);
        home.clock.advance(Duration::from_secs(10));
        home.hints().await;
        assert_eq!(calls(&home), before + 1);
        home.advance_hours(7);
    }
    home.finish().await;
}

#[tokio::test]
async fn listenbrainz_interval_survives_restart() {
    let (mut home, _) = home(3, &[]).await;
    for _ in 0..12 {
        home.hints().await;
        home.restart().await;
        home.advance_hours(1);
    }
    let calls = home.catalogues.requests(SourceName::ListenBrainz);
    assert_eq!(calls.len(), 2, "one every six hours");
    assert!(calls[1].path.contains("release_date=2026-11-24&days=14&past=true&future=false"));
    home.finish().await;
}

#[tokio::test]
async fn stop_cancels_a_hint_call_which_is_repeated_soon() {
    let (home, _) = home(1, &[("HINTS__MUSICBRAINZ", "false")]).await;
    home.catalogues.script(SourceName::ListenBrainz, [Fault::Hang]);
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    let calls = |home: &Home| home.catalogues.requests(SourceName::ListenBrainz).len();
    let stopping = async {
        while calls(&home) == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let began = std::time::Instant::now();
    let (outcome, ()) = tokio::join!(fetch_hints::run(&home.ctx, &watch), stopping);
    assert_eq!(outcome.unwrap().calls, 0);
    assert!(began.elapsed() < Duration::from_secs(10), "the call itself would take 20 s");
    home.clock.advance(Duration::from_secs(2));
    assert_eq!(home.hints().await.calls, 1);
    home.finish().await;
}

#[tokio::test]
async fn artist_without_mbid_matches_only_the_exact_name() {
    let (home, artists) = checked_at(1, &[]).await;
    home.world.change_artist(&artists[0], |artist| artist.name = "Sigur Rós".into());
    home.catalogues.forget(&artists[0]);
    home.advance_days(1);
    home.follows().await;
    let named = |name: &str| Rumour { artist: None, name: name.into(), ..rumour("") };
    for near in ["Sigur Ros", "Sigur Rós & Others", "The Sigur Rós", "Sigur", "Various Artists"] {
        home.catalogues.add_rumour(named(near));
    }
    assert_eq!(home.hints().await.given, 0);
    home.catalogues.add_rumour(named("SIGUR  RO\u{301}S"));
    home.advance_hours(6);
    assert_eq!(home.hints().await.given, 1);
    home.finish().await;
}

#[tokio::test]
async fn namesake_with_another_mbid_is_no_hint() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(Rumour { artist: None, name: "Artist 000".into(), ..rumour("") });
    let outcome = home.hints().await;
    assert_eq!((outcome.identified, outcome.given), (1, 0));
    home.catalogues.add_rumour(rumour(&artists[0]));
    home.advance_hours(6);
    assert_eq!(home.hints().await.given, 1, "whatever the name");
    home.finish().await;
}

#[tokio::test]
async fn data_of_hint_sources_is_never_shown() {
    let (home, artists) = checked_at(1, &[("HINTS__DEEZER", "true")]).await;
    home.catalogues.add_rumour(Rumour { date: "2026-11-22".into(), ..rumour(&artists[0]) });
    home.world.publish(&artists[0], NewAlbum::titled("As Spotify calls it"));
    home.hints().await;
    home.round().await;
    let (martha, _) = home.world.users()[0].clone();
    let browser = home.visitor();
    browser.sign_in(&home.world, martha).await;
    let page = browser.get("/account").await.body + &browser.get("/releases").await.body;
    let emails = home.emails_to("martha@example.com");
    assert_eq!(emails.len(), 1);
    let raw = format!("{} {} {}", emails[0].subject, emails[0].text, emails[0].html);
    for theirs in ["Vapourware", "Whoever", "listenbrainz", "musicbrainz", "deezer"] {
        assert!(!raw.to_lowercase().contains(&theirs.to_lowercase()), "{theirs}");
        assert!(!page.to_lowercase().contains(&theirs.to_lowercase()), "{theirs}");
    }
    home.finish().await;
}

#[tokio::test]
async fn deezer_is_opt_in_and_asked_every_two_hours() {
    let (off, _) = home(2, &[]).await;
    off.hints().await;
    assert!(off.catalogues.requests(SourceName::Deezer).is_empty());
    off.finish().await;

    let (home, _) = home(60, &[("HINTS__DEEZER", "true")]).await;
    home.hints().await;
    let requests = home.catalogues.requests(SourceName::Deezer);
    assert_eq!(requests.len(), 60);
    for window in requests.windows(51) {
        assert!(window[50].at.duration_since(window[0].at) >= jiff::SignedDuration::from_secs(5));
    }
    home.advance_hours(1);
    home.hints().await;
    assert_eq!(home.catalogues.requests(SourceName::Deezer).len(), 60);
    home.advance_hours(1);
    home.hints().await;
    assert_eq!(home.catalogues.requests(SourceName::Deezer).len(), 120);
    home.finish().await;
}

#[tokio::test]
async fn each_setting_enables_its_source() {
    for (settings, asked) in [
        (&[("HINTS__ENABLED", "false")][..], [false, false, false]),
        (&[("HINTS__LISTENBRAINZ", "false")], [true, false, false]),
        (&[("HINTS__MUSICBRAINZ", "false")], [false, true, false]),
        (&[("HINTS__DEEZER", "true")], [true, true, true]),
    ] {
        let (home, _) = home(1, settings).await;
        home.hints().await;
        let were = SourceName::ALL.map(|source| !home.catalogues.requests(source).is_empty());
        assert_eq!(were, asked, "{settings:?}");
        home.finish().await;
    }
}

#[tokio::test]
async fn hint_does_not_repeat_a_failing_check() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(rumour(&artists[0]));
    home.hints().await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::server_error()]);
    assert_eq!(home.checks_of(Scope::Due).await.failed, 1);
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0, "it waits like any other");
    home.clock.advance(Duration::from_secs(600));
    assert_eq!(home.checks_of(Scope::Due).await.checked, 1);
    home.finish().await;
}

#[tokio::test]
async fn deleting_an_account_deletes_its_hints() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(rumour(&artists[0]));
    home.hints().await;
    delete_account(&home.ctx, UserId(1)).await.unwrap();
    assert_eq!(health(&home, SourceName::ListenBrainz).await.hints.open, 0);
    assert_eq!(home.status().await.known_elsewhere, (0, 0));
    home.finish().await;
}

#[tokio::test]
async fn wrong_hints_use_at_most_half_of_the_quota() {
    let (home, artists) = checked_at(40, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "40")]).await;
    for artist in &artists {
        for day in ["2026-11-21", "2026-11-22", "2026-11-23"] {
            let title = format!("Vapourware of {day}");
            home.catalogues.add_rumour(Rumour { title, date: day.into(), ..rumour(artist) });
        }
    }
    home.hints().await;
    home.advance_days(1);
    let jonas = home.world.add_user("Jonas");
    let new: Vec<_> = (0..12).map(|n| home.world.add_artist(format!("New {n}"))).collect();
    new.iter().for_each(|id| home.world.follow(jonas, id));
    home.connect(jonas, "jonas@example.com").await;
    home.follows().await;
    home.world.forget_requests();
    // The calls that hints used by then are not reserved for them any more.
    for _ in 0..3 {
        home.checks_of(Scope::Due).await;
    }
    let asked = asked(&home);
    // If the zone is unknown, the last check may wait for its hour.
    assert!((39..=40).contains(&asked.len()), "{}", asked.len());
    assert_eq!(asked[..20].iter().filter(|id| artists.contains(id)).count(), 20, "half for hints");
    let newcomers = asked.iter().filter(|id| new.contains(id)).count();
    assert_eq!(newcomers, 10, "and half of the others for newcomers");
    home.finish().await;
}

#[tokio::test]
async fn open_hints_per_artist_are_limited() {
    let (home, artists) = checked_at(1, &[]).await;
    for day in 10..24 {
        let (title, date) = (format!("Number {day}"), format!("2026-11-{day}"));
        home.catalogues.add_rumour(Rumour { title, date, ..rumour(&artists[0]) });
    }
    assert_eq!(home.hints().await.given, 5);
    home.finish().await;
}

#[tokio::test]
async fn postponed_release_is_checked_again_on_its_new_date() {
    let (home, artists) = checked_at(1, &[]).await;
    home.catalogues.add_rumour(rumour(&artists[0]));
    home.hints().await;
    for _ in 0..12 {
        home.skip_turns().await;
        home.checks_of(Scope::Due).await;
        home.advance_days(1);
    }
    assert_eq!(health(&home, SourceName::ListenBrainz).await.hints.dropped, 1);
    home.catalogues.add_rumour(Rumour { date: "2026-12-05".into(), ..rumour(&artists[0]) });
    assert_eq!(home.hints().await.given, 1);
    home.world.publish(&artists[0], NewAlbum::titled("Vapourware").on("2026-12-05"));
    home.skip_turns().await;
    assert_eq!(home.checks_of(Scope::Due).await.news, 1);
    home.advance_hours(7);
    assert_eq!(home.hints().await.given, 0, "it was found");
    home.emails().await;
    home.finish().await;
}
