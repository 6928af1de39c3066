//! What the pages say about this instance: who may sign up, its operators, how to reach them.

use super::signup_policy::SignUpPolicy;

/// What the pages need to know of the instance.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// Ids at Spotify of the users who see the operator's page.
    pub operators: Vec<String>,
    /// How users reach the operator, for everybody to see: an address, or a web page.
    pub contact: Option<Contact>,
}

impl Instance {
    /// Whether this is the id at Spotify of somebody who keeps the instance.
    pub fn is_operator(&self, spotify_id: &str) -> bool {
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
    fn only_who_is_named_keeps_the_instance() {
        let instance = Instance { operators: vec!["martha".to_owned()], ..Instance::default() };
        assert!(instance.is_operator("martha"));
        assert!(
            !instance.is_operator("Martha")
                && !instance.is_operator("")
                && !instance.is_operator("mar")
        );
        assert!(!Instance::default().is_operator(""));
    }
}
