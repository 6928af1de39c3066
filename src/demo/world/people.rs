//! The users of the fake Spotify, and the artists they follow.

use super::World;

/// The number of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub usize);

/// A user of the fake Spotify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `id`, which Spotify may change.
    pub id: String,
    /// `account_id`, which never changes.
    pub account_id: String,
    /// `display_name`.
    pub name: String,
    /// Ids of the artists followed, in the order of following.
    pub follows: Vec<String>,
    /// Whether the app's dashboard lists the person. Consent works either way, the API does not.
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
    /// Adds a person who is on the allow-list and follows no artist.
    pub fn add_person(&self, name: impl Into<String>) -> PersonId {
        let person = Person {
            id: self.base62(25),
            account_id: self.base62(10),
            name: name.into(),
            follows: Vec::new(),
            allow_listed: true,
            follow_list_fault: None,
        };
        let people = &mut self.state().people;
        people.push(person);
        PersonId(people.len() - 1)
    }

    /// All people, in the order in which they were added.
    pub fn people(&self) -> Vec<(PersonId, Person)> {
        let people = self.state().people.clone();
        people.into_iter().enumerate().map(|(at, person)| (PersonId(at), person)).collect()
    }

    /// The person with this number.
    pub fn person(&self, person: PersonId) -> Option<Person> {
        self.state().people.get(person.0).cloned()
    }

    /// Makes the person follow the artist.
    pub fn follow(&self, person: PersonId, artist: &str) {
        self.change_person(person, |person| {
            if !person.follows.iter().any(|followed| followed == artist) {
                person.follows.push(artist.to_owned());
            }
        });
    }

    /// Makes the person unfollow the artist.
    pub fn unfollow(&self, person: PersonId, artist: &str) {
        self.change_person(person, |person| person.follows.retain(|followed| followed != artist));
    }

    /// Changes the person.
    pub fn change_person(&self, person: PersonId, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.state().people.get_mut(person.0) {
            change(person);
        }
    }
}
