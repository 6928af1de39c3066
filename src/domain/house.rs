//! The house: who may come in, who keeps it, how they are reached.

/// Who may sign up. Whoever is here already may always sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignUp {
    /// Everybody whom Spotify lets in.
    #[default]
    Open,
    /// Who holds an invitation.
    Invitation,
    /// Nobody.
    Closed,
}

/// Somebody who came back from Spotify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comer {
    /// Is here already.
    Known,
    /// Is not, and holds this.
    Stranger(Held),
}

/// What a stranger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// No invitation.
    Nothing,
    /// An invitation that is good.
    Good,
    /// An invitation that was used, is over or was withdrawn.
    Void,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Nobody new is.
    #[error("nobody new may sign up")]
    Closed,
    /// They hold no invitation.
    #[error("a stranger without an invitation")]
    Uninvited,
    /// Theirs was used, is over or was withdrawn.
    #[error("a stranger whose invitation is not good any more")]
    Void,
}

impl SignUp {
    /// Whether `comer` may sign in.
    ///
    /// # Errors
    /// [`TurnedAway`]: why not.
    pub fn admit(self, comer: Comer) -> Result<(), TurnedAway> {
        match (self, comer) {
            (_, Comer::Known)
            | (Self::Open, Comer::Stranger(_))
            | (Self::Invitation, Comer::Stranger(Held::Good)) => Ok(()),
            (Self::Closed, Comer::Stranger(_)) => Err(TurnedAway::Closed),
            (Self::Invitation, Comer::Stranger(Held::Nothing)) => Err(TurnedAway::Uninvited),
            (Self::Invitation, Comer::Stranger(Held::Void)) => Err(TurnedAway::Void),
        }
    }
}

/// What the pages need to know of the house.
#[derive(Debug, Clone, Default)]
pub struct House {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Ids at Spotify of the users who see the operator's page.
    pub operators: Vec<String>,
    /// How users reach the operator, for everybody to see: an address, or a web page.
    pub contact: Option<Contact>,
}

impl House {
    /// Whether this is the id at Spotify of somebody who keeps the house.
    pub fn is_kept_by(&self, spotify_id: &str) -> bool {
        self.operators.iter().any(|operator| operator == spotify_id)
    }
}

/// How users reach the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// An e-mail address.
    Address(String),
    /// A page, by its `https` or `http` address.
    Page(String),
}

impl Contact {
    /// Where a link to it leads.
    pub fn link(&self) -> String {
        match self {
            Self::Address(address) => format!("mailto:{address}"),
            Self::Page(page) => page.clone(),
        }
    }

    /// What such a link says.
    pub fn shown(&self) -> &str {
        match self {
            Self::Address(shown) | Self::Page(shown) => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_here_may_always_come_back_and_strangers_as_the_house_has_it() {
        use SignUp::{Closed, Invitation, Open};
        for door in [Open, Invitation, Closed] {
            assert_eq!(door.admit(Comer::Known), Ok(()));
        }
        let strangers = |door: SignUp| {
            [Held::Nothing, Held::Void, Held::Good].map(|held| door.admit(Comer::Stranger(held)))
        };
        assert_eq!(strangers(Open), [Ok(()); 3]);
        assert_eq!(strangers(Closed), [Err(TurnedAway::Closed); 3]);
        let by_invitation = [Err(TurnedAway::Uninvited), Err(TurnedAway::Void), Ok(())];
        assert_eq!(strangers(Invitation), by_invitation);
    }

    #[test]
    fn only_who_is_named_keeps_the_house() {
        let house = House { operators: vec!["martha".to_owned()], ..House::default() };
        assert!(house.is_kept_by("martha"));
        assert!(!house.is_kept_by("Martha") && !house.is_kept_by("") && !house.is_kept_by("mar"));
        assert!(!House::default().is_kept_by(""));
    }
}
