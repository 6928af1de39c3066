//! Whom a user follows: honoured, but not believed blindly.

use dropday::demo::world::{Endpoint, Fault, FollowingLie, NewAlbum};
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
async fn a_long_list_is_read_to_its_end() {
    let (home, ..) = follower_of(173).await;
    assert_eq!(watched(&home).await, 173);
    home.finish().await;
}

#[tokio::test]
async fn follow_and_unfollow_are_honoured() {
    let (home, artists, martha) = follower_of(20).await;
    home.world.unfollow(martha.user, &artists[3]);
    let new = home.world.add_artist("New");
    home.world.follow(martha.user, &new);
    let change = home.follows().await.change;
    assert_eq!((change.added, change.removed), (1, 1));
    home.checks().await;
    home.world.put_out(&artists[3], NewAlbum::titled("Not wanted any more"));
    home.world.put_out(&new, NewAlbum::titled("Wanted"));
    home.round().await;
    let subjects: Vec<_> = home.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["New: Wanted"]);
    home.finish().await;
}

#[tokio::test]
async fn a_cut_short_list_removes_nobody() {
    let (home, _, martha) = follower_of(120).await;
    for lie in [
        FollowingLie::CutShortAfter(50),
        FollowingLie::TotalTooHigh(500),
        FollowingLie::EmptyList,
        FollowingLie::RepeatedCursor,
        FollowingLie::GapsInFirstPage,
    ] {
        let what = format!("{lie:?}");
        home.world.lie_about_following(martha.user, lie);
        let outcome = home.follows().await;
        assert_eq!((outcome.doubted, watched(&home).await), (1, 120), "{what}: {outcome}");
        home.world.tell_truth_about_following(martha.user);
        assert_eq!(home.follows().await.believed, 1, "{what}");
    }
    assert_eq!(watched(&home).await, 120);
    home.finish().await;
}

#[tokio::test]
async fn whoever_is_on_a_cut_short_list_is_followed_all_the_same() {
    let (home, _, martha) = follower_of(30).await;
    home.world.lie_about_following(martha.user, FollowingLie::TotalTooHigh(500));
    let new = home.world.add_artist("New");
    home.world.follow(martha.user, &new);
    assert_eq!(home.follows().await.change.added, 1);
    assert_eq!(watched(&home).await, 31);
    home.finish().await;
}

#[tokio::test]
async fn a_doubted_list_is_soon_read_again_and_an_empty_one_believed_after_a_day() {
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
async fn pages_without_cursors_are_read_to_their_end() {
    let (home, _, martha) = follower_of(120).await;
    home.world.lie_about_following(martha.user, FollowingLie::NoCursors);
    assert_eq!(home.follows().await.believed, 1);
    assert_eq!(watched(&home).await, 120);
    home.finish().await;
}

#[tokio::test]
async fn a_list_that_fails_half_way_changes_nothing() {
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
async fn a_null_on_the_list_costs_nobody() {
    let (home, _, martha) = follower_of(60).await;
    home.world.put_null_in_following(martha.user, true);
    assert_eq!(home.follows().await.change.removed, 0);
    assert_eq!(watched(&home).await, 60);
    home.finish().await;
}
