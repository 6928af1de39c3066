//! Syncing follows: changes take effect, suspect lists do not.

use dropday::demo::world::{Endpoint, Fault, FollowListFault, NewAlbum};
use dropday::jobs::Scope;

use crate::home::{Home, Listener};

async fn follower_of(count: usize) -> (Home, Vec<String>, Listener) {
    let home = Home::new().await;
    let (artists, martha) = home.listener_of("Martha", count).await;
    home.follows().await;
    (home, artists, martha)
}

async fn watched(home: &Home) -> u64 {
    home.status().await.artists.watched
}

#[tokio::test]
async fn long_list_is_read_to_its_end() {
    let (home, ..) = follower_of(173).await;
    assert_eq!(watched(&home).await, 173);
    home.finish().await;
}

#[tokio::test]
async fn follow_and_unfollow_take_effect() {
    let (home, artists, martha) = follower_of(20).await;
    home.world.unfollow(martha.user, &artists[3]);
    let new = home.world.add_artist("New");
    home.world.follow(martha.user, &new);
    let change = home.follows().await.change;
    assert_eq!((change.added, change.removed), (1, 1));
    home.checks().await;
    home.world.publish(&artists[3], NewAlbum::titled("Not wanted any more"));
    home.world.publish(&new, NewAlbum::titled("Wanted"));
    home.round().await;
    let subjects: Vec<_> = home.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["New: Wanted"]);
    home.finish().await;
}

#[tokio::test]
async fn truncated_list_removes_no_artist() {
    let (home, _, martha) = follower_of(120).await;
    for fault in [
        FollowListFault::CutShortAfter(50),
        FollowListFault::TotalTooHigh(500),
        FollowListFault::EmptyList,
        FollowListFault::RepeatedCursor,
        FollowListFault::GapsInFirstPage,
    ] {
        let what = format!("{fault:?}");
        home.world.change_user(martha.user, |user| user.follow_list_fault = Some(fault));
        let outcome = home.follows().await;
        assert_eq!((outcome.doubted, watched(&home).await), (1, 120), "{what}: {outcome}");
        home.world.change_user(martha.user, |user| user.follow_list_fault = None);
        assert_eq!(home.follows().await.believed, 1, "{what}");
    }
    assert_eq!(watched(&home).await, 120);
    home.finish().await;
}

#[tokio::test]
async fn new_artist_on_truncated_list_is_followed() {
    let (home, _, martha) = follower_of(30).await;
    home.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::TotalTooHigh(500))
    });
    let new = home.world.add_artist("New");
    home.world.follow(martha.user, &new);
    assert_eq!(home.follows().await.change.added, 1);
    assert_eq!(watched(&home).await, 31);
    home.finish().await;
}

#[tokio::test]
async fn empty_list_is_applied_after_a_day() {
    let (home, artists, martha) = follower_of(30).await;
    for artist in &artists {
        home.world.unfollow(martha.user, artist);
    }
    home.advance_hours(6);
    for _ in 0..20 {
        home.follows_of(Scope::Due).await;
        assert_eq!(watched(&home).await, 30);
        home.advance_hours(1);
    }
    assert!(home.world.count(Endpoint::Following) >= 5);
    home.advance_hours(10);
    home.follows_of(Scope::Due).await;
    assert_eq!(watched(&home).await, 0);
    home.finish().await;
}

#[tokio::test]
async fn follow_pages_without_cursors_are_fetched_completely() {
    let (home, _, martha) = follower_of(120).await;
    home.world
        .change_user(martha.user, |user| user.follow_list_fault = Some(FollowListFault::NoCursors));
    assert_eq!(home.follows().await.believed, 1);
    assert_eq!(watched(&home).await, 120);
    home.finish().await;
}

#[tokio::test]
async fn list_that_fails_midway_changes_nothing() {
    let (home, _, martha) = follower_of(120).await;
    let new = home.world.add_artist("New");
    home.world.follow(martha.user, &new);
    for fault in [Fault::bad_gateway(), Fault::Html, Fault::Truncated, Fault::Garbled] {
        home.world.script(Endpoint::Following, [Fault::Unauthorized, fault]);
        let outcome = home.follows().await;
        assert!(outcome.has_failed(), "{outcome}");
        assert_eq!(watched(&home).await, 120);
    }
    assert_eq!(home.follows().await.change.added, 1);
    home.finish().await;
}

#[tokio::test]
async fn null_on_the_list_removes_no_artist() {
    let (home, _, martha) = follower_of(60).await;
    home.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::NullItem(0))
    });
    assert_eq!(home.follows().await.change.removed, 0);
    assert_eq!(watched(&home).await, 60);
    home.finish().await;
}

#[tokio::test]
async fn albums_released_during_a_short_unfollow_are_news_after_it() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.listener("Otto", &[&artist]).await;
    let others: Vec<_> = (0..9).map(|n| home.world.add_artist(format!("Other {n}"))).collect();
    others.iter().for_each(|other| home.world.follow(martha.user, other));
    home.round().await;
    home.world.unfollow(martha.user, &artist);
    assert_eq!(home.follows().await.change.removed, 1);
    home.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    home.round().await;
    assert!(home.emails_to(&martha.address).is_empty());
    home.advance_days(3);
    home.world.follow(martha.user, &artist);
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}
