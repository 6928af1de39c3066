//! The users of the fake Spotify, and the artists they follow.

use super::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FakeUserId(pub usize);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeUser {
    /// `id`, which Spotify may change.
    pub id: String,
    /// `account_id`, which never changes.
    pub account_id: String,
    /// `display_name`.
    pub name: String,
    /// Ids of the artists followed, in the order of following.
    pub follows: Vec<String>,
    /// Whether the app's dashboard lists the user. Consent works either way, the API does not.
    pub allow_listed: bool,
    /// What is wrong with the list of followed artists.
    pub follow_list_fault: Option<FollowListFault>,
}

/// A way in which the list of followed artists can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowListFault {
    /// `total` is that much higher than the number of artists.
    TotalTooHigh(u64),
    /// The list is empty and `total` is 0.
    EmptyList,
    /// The list ends after that many artists, while `total` stays right.
    CutShortAfter(usize),
    /// `cursors.after` always repeats the cursor of the request.
    RepeatedCursor,
    /// `cursors` and `total` are missing; `next` is there.
    NoCursors,
    /// Without `after`, the first page skips every other artist.
    GapsInFirstPage,
    /// Each page starts with a `null`, and `total` is that much higher than the number of artists.
    NullItem(u64),
}

impl World {
    /// Adds a user who is on the allow-list and follows no artist.
    pub fn add_user(&self, name: impl Into<String>) -> FakeUserId {
        let user = FakeUser {
            id: self.base62(25),
            account_id: self.base62(10),
            name: name.into(),
            follows: Vec::new(),
            allow_listed: true,
            follow_list_fault: None,
        };
        let users = &mut self.state().users;
        users.push(user);
        FakeUserId(users.len() - 1)
    }

    /// All users, in the order in which they were added.
    pub fn users(&self) -> Vec<(FakeUserId, FakeUser)> {
        let users = self.state().users.clone();
        users.into_iter().enumerate().map(|(at, user)| (FakeUserId(at), user)).collect()
    }

    pub fn user(&self, user: FakeUserId) -> Option<FakeUser> {
        self.state().users.get(user.0).cloned()
    }

    pub fn follow(&self, user: FakeUserId, artist: &str) {
        self.change_user(user, |user| {
            if !user.follows.iter().any(|followed| followed == artist) {
                user.follows.push(artist.to_owned());
            }
        });
    }

    pub fn unfollow(&self, user: FakeUserId, artist: &str) {
        self.change_user(user, |user| user.follows.retain(|followed| followed != artist));
    }

    pub fn change_user(&self, user: FakeUserId, change: impl FnOnce(&mut FakeUser)) {
        if let Some(user) = self.state().users.get_mut(user.0) {
            change(user);
        }
    }
}
