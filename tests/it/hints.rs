//! Hints: they speed up checks and do no harm.

use std::time::Duration;

use dropday::accounts::delete_account::delete_account;
use dropday::demo::hints::AnnouncedRelease;
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::hint::SourceName;
use dropday::domain::user::UserId;
use dropday::jobs::{RunControl, Scope, fetch_hints};
use dropday::store::hint_sources::Health;
use tokio_util::sync::CancellationToken;

use crate::test_app::{Settings, TestApp};

const ON: (&str, &str) = ("HINTS__ENABLED", "true");

/// A home with hint sources and that many artists, each checked once.
async fn app(artists: usize, settings: Settings<'_>) -> (TestApp, Vec<String>) {
    let app = TestApp::with(&[&[ON], settings].concat()).await;
    let (artists, _) = app.listener_of("Martha", artists).await;
    app.follows().await;
    (app, artists)
}

/// The same, but no artist is due for a check.
async fn checked_at(artists: usize, settings: Settings<'_>) -> (TestApp, Vec<String>) {
    let (app, artists) = app(artists, settings).await;
    app.checks().await;
    app.advance_hours(1);
    app.world.forget_requests();
    (app, artists)
}

/// The artists that were checked, in order.
fn asked(app: &TestApp) -> Vec<String> {
    let requests = app.world.requests().into_iter();
    let albums = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    albums.map(|request| request.path.split('/').nth(3).unwrap().to_owned()).collect()
}

fn announcement(artist: &str) -> AnnouncedRelease {
    AnnouncedRelease {
        artist: Some(artist.to_owned()),
        name: "Someone Else".to_owned(),
        title: "Vapourware".to_owned(),
        date: "2026-11-23".to_owned(),
    }
}

async fn health(app: &TestApp, source: SourceName) -> Health {
    let sources = app.status().await.hint_sources;
    sources.into_iter().find(|health| health.source == source).expect("it was asked")
}

#[tokio::test]
async fn hinted_artist_is_checked_first() {
    let (app, artists) = checked_at(30, &[]).await;
    app.world.publish(&artists[17], NewAlbum::titled("Fresh"));
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0, "nobody is due");
    assert_eq!(app.hints().await.given, 1);
    let outcome = app.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1));
    assert_eq!(asked(&app), [artists[17].clone()]);
    app.emails().await;
    assert_eq!(app.emails_to("martha@example.com").len(), 1);
    assert_eq!(health(&app, SourceName::ListenBrainz).await.hints.confirmed, 1);

    app.world.publish(&artists[23], NewAlbum::titled("Fresh too"));
    app.advance_hours(7);
    app.hints().await;
    app.world.forget_requests();
    app.checks().await;
    assert_eq!(asked(&app)[0], artists[23], "first, where others are due too");
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn unconfirmed_hint_is_retried_with_backoff_then_dropped() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(announcement(&artists[0]));
    assert_eq!(app.hints().await.given, 1);
    let mut distances = Vec::new();
    let mut last = app.now();
    for _ in 0..24 * 12 {
        let before = app.world.count(Endpoint::ArtistAlbums);
        // Scheduled checks would come in between.
        app.skip_turns().await;
        app.checks_of(Scope::Due).await;
        if app.world.count(Endpoint::ArtistAlbums) > before {
            distances.push(app.now().duration_since(last).as_hours());
            last = app.now();
        }
        app.advance_hours(1);
        app.hints().await;
    }
    assert_eq!(distances, [0, 9, 24, 48, 96]);
    let counts = health(&app, SourceName::ListenBrainz).await.hints;
    assert_eq!((counts.open, counts.confirmed, counts.dropped), (0, 0, 1));
    app.finish().await;
}

#[tokio::test]
async fn release_that_reaches_spotify_late_is_found_on_retry() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(announcement(&artists[0]));
    app.hints().await;
    assert_eq!(app.checks_of(Scope::Due).await.checked, 1);
    app.advance_hours(8);
    app.skip_turns().await;
    app.world.publish(&artists[0], NewAlbum::titled("Vapourware").on("2026-11-23"));
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0);
    app.advance_hours(1);
    assert_eq!(app.checks_of(Scope::Due).await.news, 1);
    assert_eq!(health(&app, SourceName::ListenBrainz).await.hints.confirmed, 1);
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn repeated_or_known_releases_are_no_new_hints() {
    let (app, artists) = checked_at(2, &[("HINTS__DEEZER", "true")]).await;
    app.world.publish(&artists[0], NewAlbum::titled("Seen by turns"));
    app.checks().await;
    app.world.forget_requests();
    for _ in 0..8 {
        assert_eq!(app.hints().await.given, 0, "Spotify was seen to have it");
        app.advance_hours(3);
    }
    app.world.publish(&artists[1], NewAlbum::titled("New").on("2026-11-24"));
    assert_eq!(app.hints().await.given, 2, "two sources, once each");
    app.checks_of(Scope::All).await;
    for _ in 0..8 {
        app.advance_hours(7);
        assert_eq!(app.hints().await.given, 0);
    }
    let at_spotify = asked(&app);
    assert_eq!(at_spotify.iter().filter(|id| **id == artists[1]).count(), 1, "{at_spotify:?}");
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn hint_for_tomorrow_waits_until_tomorrow() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(AnnouncedRelease {
        date: "2026-11-24".into(),
        ..announcement(&artists[0])
    });
    assert_eq!(app.hints().await.given, 1);
    app.skip_turns().await;
    app.advance_hours(10);
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0, "23 h in UTC");
    app.advance_hours(1);
    assert_eq!(app.checks_of(Scope::Due).await.checked, 1);
    app.finish().await;
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
    let (app, artists) =
        checked_at(2, &[("HINTS__DEEZER", "true"), ("HINTS__TIMEOUT", "1s")]).await;
    app.hints().await;
    app.advance_days(91);
    for (round, fault) in faults.into_iter().enumerate() {
        for source in SourceName::ALL {
            app.catalogues.script(source, [fault.clone()]);
        }
        let outcome = app.hints().await;
        assert!(outcome.silent.len() >= 2, "{fault:?}: {outcome}");
        app.world.publish(&artists[0], NewAlbum::titled(format!("Number {round}.")));
        app.round().await;
        let emails = app.emails_to("martha@example.com");
        assert!(emails.last().unwrap().subject.contains(&format!("Number {round}.")), "{fault:?}");
        app.advance_days(2);
    }
    app.hints().await;
    for source in [SourceName::ListenBrainz, SourceName::Deezer] {
        assert_eq!(health(&app, source).await.failures, 0, "it is asked again in the end");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_succeeds_when_all_hint_sources_fail() {
    let (app, _) = app(2, &[]).await;
    for source in [SourceName::ListenBrainz, SourceName::MusicBrainz] {
        app.catalogues.script(source, [Fault::Html]);
    }
    let ran = app.once(&[ON]).await;
    let said = String::from_utf8_lossy(&ran.stdout);
    for source in
        ["; musicbrainz: its response could not be understood", "; listenbrainz: its response"]
    {
        assert!(said.contains(source), "{said}");
    }
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    app.finish().await;
}

#[tokio::test]
async fn musicbrainz_gets_hundred_artists_per_call_each_second() {
    let (app, _) = app(250, &[]).await;
    let outcome = app.hints().await;
    assert_eq!(outcome.identified, 250);
    let requests = app.catalogues.requests(SourceName::MusicBrainz);
    let sizes: Vec<_> = requests.iter().map(|r| r.path.matches("resource=").count()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    for pair in requests.windows(2) {
        assert!(pair[1].at.duration_since(pair[0].at) >= jiff::SignedDuration::from_secs(1));
    }
    let agent = &requests[0].user_agent;
    assert!(agent.starts_with("dropday/") && agent.contains("( dropday@example.com )"), "{agent}");
    app.advance_days(80);
    app.hints().await;
    assert_eq!(app.catalogues.requests(SourceName::MusicBrainz).len(), 3, "once each");
    app.advance_days(11);
    app.hints().await;
    assert_eq!(app.catalogues.requests(SourceName::MusicBrainz).len(), 6, "and again now and then");
    app.finish().await;
}

#[tokio::test]
async fn musicbrainz_pause_after_503_survives_restart() {
    let (mut app, _) = app(3, &[]).await;
    let calls = |app: &TestApp| app.catalogues.requests(SourceName::MusicBrainz).len();
    let busy = Fault::Status(503, "", String::new());
    app.catalogues.script(SourceName::MusicBrainz, [busy.clone(), busy.clone(), busy]);
    let mut waits = Vec::new();
    for _ in 0..3 {
        app.hints().await;
        let (before, since) = (calls(&app), app.now());
        app.restart().await;
        while calls(&app) == before {
            app.clock.advance(Duration::from_secs(10));
            app.hints().await;
        }
        waits.push(app.now().duration_since(since).as_secs());
        // The call after the pause got the next 503.
    }
    assert!(waits[0] >= 90 && waits[1] >= 180 && waits.is_sorted(), "{waits:?}");
    assert_eq!(app.status().await.known_elsewhere.0, 3, "and nothing was lost");
    app.finish().await;
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_a_day() {
    let (app, _) = app(1, &[("HINTS__MUSICBRAINZ", "false")]).await;
    let calls = |app: &TestApp| app.catalogues.requests(SourceName::ListenBrainz).len();
    for (told, waited) in [(7200, 7200), (9_999_999, 86_400)] {
        app.catalogues
            .script(SourceName::ListenBrainz, [Fault::RateLimited { retry_after: Some(told) }]);
        app.hints().await;
        let before = calls(&app);
        app.clock.advance(Duration::from_secs(waited - 10));
        app.hints().await;
        assert_eq!(calls(&app), before);
        app.clock.advance(Duration::from_secs(10));
        app.hints().await;
        assert_eq!(calls(&app), before + 1);
        app.advance_hours(7);
    }
    app.finish().await;
}

#[tokio::test]
async fn listenbrainz_interval_survives_restart() {
    let (mut app, _) = app(3, &[]).await;
    for _ in 0..12 {
        app.hints().await;
        app.restart().await;
        app.advance_hours(1);
    }
    let calls = app.catalogues.requests(SourceName::ListenBrainz);
    assert_eq!(calls.len(), 2, "one every six hours");
    assert!(calls[1].path.contains("release_date=2026-11-24&days=14&past=true&future=false"));
    app.finish().await;
}

#[tokio::test]
async fn stop_cancels_a_hint_call_which_is_repeated_soon() {
    let (app, _) = app(1, &[("HINTS__MUSICBRAINZ", "false")]).await;
    app.catalogues.script(SourceName::ListenBrainz, [Fault::Hang]);
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    let calls = |app: &TestApp| app.catalogues.requests(SourceName::ListenBrainz).len();
    let stopping = async {
        while calls(&app) == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let began = std::time::Instant::now();
    let (outcome, ()) = tokio::join!(fetch_hints::run(&app.ctx, &watch), stopping);
    assert_eq!(outcome.unwrap().calls, 0);
    assert!(began.elapsed() < Duration::from_secs(10), "the call itself would take 20 s");
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(app.hints().await.calls, 1);
    app.finish().await;
}

#[tokio::test]
async fn artist_without_mbid_matches_only_the_exact_name() {
    let (app, artists) = checked_at(1, &[]).await;
    app.world.change_artist(&artists[0], |artist| artist.name = "Sigur Rós".into());
    app.catalogues.forget(&artists[0]);
    app.advance_days(1);
    app.follows().await;
    let named =
        |name: &str| AnnouncedRelease { artist: None, name: name.into(), ..announcement("") };
    for near in ["Sigur Ros", "Sigur Rós & Others", "The Sigur Rós", "Sigur", "Various Artists"] {
        app.catalogues.announce_release(named(near));
    }
    assert_eq!(app.hints().await.given, 0);
    app.catalogues.announce_release(named("SIGUR  RO\u{301}S"));
    app.advance_hours(6);
    assert_eq!(app.hints().await.given, 1);
    app.finish().await;
}

#[tokio::test]
async fn namesake_with_another_mbid_is_no_hint() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(AnnouncedRelease {
        artist: None,
        name: "Artist 000".into(),
        ..announcement("")
    });
    let outcome = app.hints().await;
    assert_eq!((outcome.identified, outcome.given), (1, 0));
    app.catalogues.announce_release(announcement(&artists[0]));
    app.advance_hours(6);
    assert_eq!(app.hints().await.given, 1, "whatever the name");
    app.finish().await;
}

#[tokio::test]
async fn data_of_hint_sources_is_never_shown() {
    let (app, artists) = checked_at(1, &[("HINTS__DEEZER", "true")]).await;
    app.catalogues.announce_release(AnnouncedRelease {
        date: "2026-11-22".into(),
        ..announcement(&artists[0])
    });
    app.world.publish(&artists[0], NewAlbum::titled("As Spotify calls it"));
    app.hints().await;
    app.round().await;
    let (martha, _) = app.world.users()[0].clone();
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    let page = browser.get("/account").await.body + &browser.get("/releases").await.body;
    let emails = app.emails_to("martha@example.com");
    assert_eq!(emails.len(), 1);
    let raw = format!("{} {} {}", emails[0].subject, emails[0].text, emails[0].html);
    for theirs in ["Vapourware", "Someone Else", "listenbrainz", "musicbrainz", "deezer"] {
        assert!(!raw.to_lowercase().contains(&theirs.to_lowercase()), "{theirs}");
        assert!(!page.to_lowercase().contains(&theirs.to_lowercase()), "{theirs}");
    }
    app.finish().await;
}

#[tokio::test]
async fn deezer_is_opt_in_and_asked_every_two_hours() {
    let (off, _) = app(2, &[]).await;
    off.hints().await;
    assert!(off.catalogues.requests(SourceName::Deezer).is_empty());
    off.finish().await;

    let (app, _) = app(60, &[("HINTS__DEEZER", "true")]).await;
    app.hints().await;
    let requests = app.catalogues.requests(SourceName::Deezer);
    assert_eq!(requests.len(), 60);
    for window in requests.windows(51) {
        assert!(window[50].at.duration_since(window[0].at) >= jiff::SignedDuration::from_secs(5));
    }
    app.advance_hours(1);
    app.hints().await;
    assert_eq!(app.catalogues.requests(SourceName::Deezer).len(), 60);
    app.advance_hours(1);
    app.hints().await;
    assert_eq!(app.catalogues.requests(SourceName::Deezer).len(), 120);
    app.finish().await;
}

#[tokio::test]
async fn each_setting_enables_its_source() {
    for (settings, asked) in [
        (&[("HINTS__ENABLED", "false")][..], [false, false, false]),
        (&[("HINTS__LISTENBRAINZ", "false")], [true, false, false]),
        (&[("HINTS__MUSICBRAINZ", "false")], [false, true, false]),
        (&[("HINTS__DEEZER", "true")], [true, true, true]),
    ] {
        let (app, _) = app(1, settings).await;
        app.hints().await;
        let were = SourceName::ALL.map(|source| !app.catalogues.requests(source).is_empty());
        assert_eq!(were, asked, "{settings:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn hint_does_not_repeat_a_failing_check() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(announcement(&artists[0]));
    app.hints().await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::server_error()]);
    assert_eq!(app.checks_of(Scope::Due).await.failed, 1);
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0, "it waits like any other");
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(app.checks_of(Scope::Due).await.checked, 1);
    app.finish().await;
}

#[tokio::test]
async fn deleting_an_account_deletes_its_hints() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(announcement(&artists[0]));
    app.hints().await;
    delete_account(&app.ctx, UserId(1)).await.unwrap();
    assert_eq!(health(&app, SourceName::ListenBrainz).await.hints.open, 0);
    assert_eq!(app.status().await.known_elsewhere, (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn wrong_hints_use_at_most_half_of_the_quota() {
    let (app, artists) = checked_at(40, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "40")]).await;
    for artist in &artists {
        for day in ["2026-11-21", "2026-11-22", "2026-11-23"] {
            let title = format!("Vapourware of {day}");
            app.catalogues.announce_release(AnnouncedRelease {
                title,
                date: day.into(),
                ..announcement(artist)
            });
        }
    }
    app.hints().await;
    app.advance_days(1);
    let jonas = app.world.add_user("Jonas");
    let new: Vec<_> = (0..12).map(|n| app.world.add_artist(format!("New {n}"))).collect();
    new.iter().for_each(|id| app.world.follow(jonas, id));
    app.connect(jonas, "jonas@example.com").await;
    app.follows().await;
    app.world.forget_requests();
    // The calls that hints used by then are not reserved for them any more.
    for _ in 0..3 {
        app.checks_of(Scope::Due).await;
    }
    let asked = asked(&app);
    // If the zone is unknown, the last check may wait for its hour.
    assert!((39..=40).contains(&asked.len()), "{}", asked.len());
    assert_eq!(asked[..20].iter().filter(|id| artists.contains(id)).count(), 20, "half for hints");
    let newcomers = asked.iter().filter(|id| new.contains(id)).count();
    assert_eq!(newcomers, 10, "and half of the others for newcomers");
    app.finish().await;
}

#[tokio::test]
async fn open_hints_per_artist_are_limited() {
    let (app, artists) = checked_at(1, &[]).await;
    for day in 10..24 {
        let (title, date) = (format!("Number {day}"), format!("2026-11-{day}"));
        app.catalogues.announce_release(AnnouncedRelease {
            title,
            date,
            ..announcement(&artists[0])
        });
    }
    assert_eq!(app.hints().await.given, 5);
    app.finish().await;
}

#[tokio::test]
async fn postponed_release_is_checked_again_on_its_new_date() {
    let (app, artists) = checked_at(1, &[]).await;
    app.catalogues.announce_release(announcement(&artists[0]));
    app.hints().await;
    for _ in 0..12 {
        app.skip_turns().await;
        app.checks_of(Scope::Due).await;
        app.advance_days(1);
    }
    assert_eq!(health(&app, SourceName::ListenBrainz).await.hints.dropped, 1);
    app.catalogues.announce_release(AnnouncedRelease {
        date: "2026-12-05".into(),
        ..announcement(&artists[0])
    });
    assert_eq!(app.hints().await.given, 1);
    app.world.publish(&artists[0], NewAlbum::titled("Vapourware").on("2026-12-05"));
    app.skip_turns().await;
    assert_eq!(app.checks_of(Scope::Due).await.news, 1);
    app.advance_hours(7);
    assert_eq!(app.hints().await.given, 0, "it was found");
    app.emails().await;
    app.finish().await;
}
