//! The users of the world: who they are, whom they follow, and what is said about that.

use super::World;

/// A user's number in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FakeUserId(pub usize);

/// Somebody with an account at the made-up Spotify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeUser {
    /// `id`; [`World::rename_account`] changes it.
    pub id: String,
    /// `account_id`; never changes.
    pub account_id: String,
    /// `display_name`.
    pub name: String,
    /// Ids of the artists followed, in the order of following.
    pub follows: Vec<String>,
    /// Whether the app's dashboard lists the user.
    pub allow_listed: bool,
    pub(super) lie: Option<FollowingLie>,
    pub(super) null_artist: bool,
}

/// How the list of followed artists departs from the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowingLie {
    /// `total` is that much higher than the number of artists.
    TotalTooHigh(u64),
    /// There is nobody, and `total` says 0.
    EmptyList,
    /// The list ends after so many artists, while `total` stays true.
    CutShortAfter(usize),
    /// `cursors.after` repeats the one that was asked with, for ever.
    RepeatedCursor,
    /// `cursors` and `total` are missing; `next` is there.
    NoCursors,
    /// Without `after`, the first page skips every other artist.
    GapsInFirstPage,
}

impl World {
    /// Somebody new, on the allow-list, following nobody.
    pub fn add_user(&self, name: impl Into<String>) -> FakeUserId {
        let user = FakeUser {
            id: self.base62(25),
            account_id: self.base62(10),
            name: name.into(),
            follows: Vec::new(),
            allow_listed: true,
            lie: None,
            null_artist: false,
        };
        let users = &mut self.state().users;
        users.push(user);
        FakeUserId(users.len() - 1)
    }

    /// Everybody, in the order of their arrival.
    pub fn users(&self) -> Vec<(FakeUserId, FakeUser)> {
        let users = self.state().users.clone();
        users.into_iter().enumerate().map(|(at, user)| (FakeUserId(at), user)).collect()
    }

    /// One of them.
    pub fn user(&self, user: FakeUserId) -> Option<FakeUser> {
        self.state().users.get(user.0).cloned()
    }

    /// The user follows the artist from now on.
    pub fn follow(&self, user: FakeUserId, artist: &str) {
        self.change(user, |user| {
            if !user.follows.iter().any(|followed| followed == artist) {
                user.follows.push(artist.to_owned());
            }
        });
    }

    /// The user does not follow the artist any more.
    pub fn unfollow(&self, user: FakeUserId, artist: &str) {
        self.change(user, |user| user.follows.retain(|followed| followed != artist));
    }

    /// Gives the user another `display_name`.
    pub fn rename_user(&self, user: FakeUserId, name: impl Into<String>) {
        self.change(user, |user| user.name = name.into());
    }

    /// Gives the user another `id`; `account_id` stays.
    pub fn rename_account(&self, user: FakeUserId) {
        let id = self.base62(25);
        self.change(user, |user| user.id = id);
    }

    /// Whether the app's dashboard lists the user. Consent works either way, the API does not.
    pub fn set_allow_listed(&self, user: FakeUserId, listed: bool) {
        self.change(user, |user| user.allow_listed = listed);
    }

    /// From now on the user's list of artists is told wrongly.
    pub fn lie_about_following(&self, user: FakeUserId, lie: FollowingLie) {
        self.change(user, |user| user.lie = Some(lie));
    }

    /// From now on every page of the user's artists starts with a `null`, or no longer does.
    pub fn put_null_in_following(&self, user: FakeUserId, null: bool) {
        self.change(user, |user| user.null_artist = null);
    }

    /// The user's list of artists is told as it is again.
    pub fn tell_truth_about_following(&self, user: FakeUserId) {
        self.change(user, |user| {
            user.lie = None;
            user.null_artist = false;
        });
    }

    fn change(&self, user: FakeUserId, change: impl FnOnce(&mut FakeUser)) {
        if let Some(user) = self.state().users.get_mut(user.0) {
            change(user);
        }
    }
}
