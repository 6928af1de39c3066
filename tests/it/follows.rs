//! Syncing follows: changes take effect, suspect lists do not.

use dropday::demo::world::{Endpoint, Fault, FollowListFault, NewAlbum};
use dropday::jobs::Scope;

use crate::test_app::{Listener, TestApp};

async fn follower_of(count: usize) -> (TestApp, Vec<String>, Listener) {
    let app = TestApp::new().await;
    let (artists, martha) = app.listener_of("Martha", count).await;
    app.follows().await;
    (app, artists, martha)
}

async fn tracked(app: &TestApp) -> u64 {
    app.status().await.artists.tracked
}

#[tokio::test]
async fn long_list_is_read_to_its_end() {
    let (app, ..) = follower_of(173).await;
    assert_eq!(tracked(&app).await, 173);
    app.finish().await;
}

#[tokio::test]
async fn follow_and_unfollow_take_effect() {
    let (app, artists, martha) = follower_of(20).await;
    app.world.unfollow(martha.user, &artists[3]);
    let new = app.world.add_artist("New");
    app.world.follow(martha.user, &new);
    let change = app.follows().await.change;
    assert_eq!((change.added, change.removed), (1, 1));
    app.checks().await;
    app.world.publish(&artists[3], NewAlbum::titled("Not wanted any more"));
    app.world.publish(&new, NewAlbum::titled("Wanted"));
    app.round().await;
    let subjects: Vec<_> = app.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["New: Wanted"]);
    app.finish().await;
}

#[tokio::test]
async fn truncated_list_removes_no_artist() {
    let (app, _, martha) = follower_of(120).await;
    for fault in [
        FollowListFault::CutShortAfter(50),
        FollowListFault::TotalTooHigh(500),
        FollowListFault::EmptyList,
        FollowListFault::RepeatedCursor,
        FollowListFault::GapsInFirstPage,
    ] {
        let what = format!("{fault:?}");
        app.world.change_user(martha.user, |user| user.follow_list_fault = Some(fault));
        let outcome = app.follows().await;
        assert_eq!((outcome.suspect_lists, tracked(&app).await), (1, 120), "{what}: {outcome}");
        app.world.change_user(martha.user, |user| user.follow_list_fault = None);
        assert_eq!(app.follows().await.applied, 1, "{what}");
    }
    assert_eq!(tracked(&app).await, 120);
    app.finish().await;
}

#[tokio::test]
async fn new_artist_on_truncated_list_is_followed() {
    let (app, _, martha) = follower_of(30).await;
    app.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::TotalTooHigh(500))
    });
    let new = app.world.add_artist("New");
    app.world.follow(martha.user, &new);
    assert_eq!(app.follows().await.change.added, 1);
    assert_eq!(tracked(&app).await, 31);
    app.finish().await;
}

#[tokio::test]
async fn empty_list_is_applied_after_a_day() {
    let (app, artists, martha) = follower_of(30).await;
    for artist in &artists {
        app.world.unfollow(martha.user, artist);
    }
    app.advance_hours(6);
    for _ in 0..20 {
        app.follows_of(Scope::Due).await;
        assert_eq!(tracked(&app).await, 30);
        app.advance_hours(1);
    }
    assert!(app.world.count(Endpoint::Following) >= 5);
    app.advance_hours(10);
    app.follows_of(Scope::Due).await;
    assert_eq!(tracked(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn follow_pages_without_cursors_are_fetched_completely() {
    let (app, _, martha) = follower_of(120).await;
    app.world
        .change_user(martha.user, |user| user.follow_list_fault = Some(FollowListFault::NoCursors));
    assert_eq!(app.follows().await.applied, 1);
    assert_eq!(tracked(&app).await, 120);
    app.finish().await;
}

#[tokio::test]
async fn list_that_fails_midway_changes_nothing() {
    let (app, _, martha) = follower_of(120).await;
    let new = app.world.add_artist("New");
    app.world.follow(martha.user, &new);
    for fault in [Fault::bad_gateway(), Fault::Html, Fault::Truncated, Fault::Garbled] {
        app.world.script(Endpoint::Following, [Fault::Unauthorized, fault]);
        let outcome = app.follows().await;
        assert!(outcome.has_failed(), "{outcome}");
        assert_eq!(tracked(&app).await, 120);
    }
    assert_eq!(app.follows().await.change.added, 1);
    app.finish().await;
}

#[tokio::test]
async fn null_on_the_list_removes_no_artist() {
    let (app, _, martha) = follower_of(60).await;
    app.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::NullItem(0))
    });
    assert_eq!(app.follows().await.change.removed, 0);
    assert_eq!(tracked(&app).await, 60);
    app.finish().await;
}

#[tokio::test]
async fn albums_released_during_a_short_unfollow_are_news_after_it() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.listener("Otto", &[&artist]).await;
    let others: Vec<_> = (0..9).map(|n| app.world.add_artist(format!("Other {n}"))).collect();
    others.iter().for_each(|other| app.world.follow(martha.user, other));
    app.round().await;
    app.world.unfollow(martha.user, &artist);
    assert_eq!(app.follows().await.change.removed, 1);
    app.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    app.round().await;
    assert!(app.emails_to(&martha.address).is_empty());
    app.advance_days(3);
    app.world.follow(martha.user, &artist);
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}
