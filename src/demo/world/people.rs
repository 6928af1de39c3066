//! The people of the world: who they are, whom they follow, and what is said about that.

use super::World;

/// A person's number in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub usize);

/// Somebody with an account at the made-up Spotify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `id`; [`World::rename_account`] changes it.
    pub id: String,
    /// `account_id`; never changes.
    pub account_id: String,
    /// `display_name`.
    pub name: String,
    /// Ids of the artists followed, in the order of following.
    pub follows: Vec<String>,
    /// Whether the app's dashboard lists the person.
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
    pub fn add_person(&self, name: impl Into<String>) -> PersonId {
        let person = Person {
            id: self.base62(25),
            account_id: self.base62(10),
            name: name.into(),
            follows: Vec::new(),
            allow_listed: true,
            lie: None,
            null_artist: false,
        };
        let people = &mut self.state().people;
        people.push(person);
        PersonId(people.len() - 1)
    }

    /// Everybody, in the order of their arrival.
    pub fn people(&self) -> Vec<(PersonId, Person)> {
        let people = self.state().people.clone();
        people.into_iter().enumerate().map(|(at, person)| (PersonId(at), person)).collect()
    }

    /// One of them.
    pub fn person(&self, person: PersonId) -> Option<Person> {
        self.state().people.get(person.0).cloned()
    }

    /// The person follows the artist from now on.
    pub fn follow(&self, person: PersonId, artist: &str) {
        self.change(person, |person| {
            if !person.follows.iter().any(|followed| followed == artist) {
                person.follows.push(artist.to_owned());
            }
        });
    }

    /// The person does not follow the artist any more.
    pub fn unfollow(&self, person: PersonId, artist: &str) {
        self.change(person, |person| person.follows.retain(|followed| followed != artist));
    }

    /// Gives the person another `display_name`.
    pub fn rename_person(&self, person: PersonId, name: impl Into<String>) {
        self.change(person, |person| person.name = name.into());
    }

    /// Gives the person another `id`; `account_id` stays.
    pub fn rename_account(&self, person: PersonId) {
        let id = self.base62(25);
        self.change(person, |person| person.id = id);
    }

    /// Whether the app's dashboard lists the person. Consent works either way, the API does not.
    pub fn set_allow_listed(&self, person: PersonId, listed: bool) {
        self.change(person, |person| person.allow_listed = listed);
    }

    /// From now on the person's list of artists is told wrongly.
    pub fn lie_about_following(&self, person: PersonId, lie: FollowingLie) {
        self.change(person, |person| person.lie = Some(lie));
    }

    /// From now on every page of the person's artists starts with a `null`, or no longer does.
    pub fn put_null_in_following(&self, person: PersonId, null: bool) {
        self.change(person, |person| person.null_artist = null);
    }

    /// The person's list of artists is told as it is again.
    pub fn tell_truth_about_following(&self, person: PersonId) {
        self.change(person, |person| {
            person.lie = None;
            person.null_artist = false;
        });
    }

    fn change(&self, person: PersonId, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.state().people.get_mut(person.0) {
            change(person);
        }
    }
}
