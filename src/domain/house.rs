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

/// What the pages need to know of the house.
#[derive(Debug, Clone, Default)]
pub struct House {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Ids at Spotify of the people who see the operator's page.
    pub operators: Vec<String>,
    /// How people reach the operator, for everybody to see: an address, or a web page.
    pub contact: Option<Contact>,
}

impl House {
    /// Whether this is the id at Spotify of somebody who keeps the house.
    pub fn is_kept_by(&self, spotify_id: &str) -> bool {
        self.operators.iter().any(|operator| operator == spotify_id)
    }
}

/// How people reach the operator.
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
    fn only_who_is_named_keeps_the_house() {
        let house = House { operators: vec!["martha".to_owned()], ..House::default() };
        assert!(house.is_kept_by("martha"));
        assert!(!house.is_kept_by("Martha") && !house.is_kept_by("") && !house.is_kept_by("mar"));
        assert!(!House::default().is_kept_by(""));
    }
}
