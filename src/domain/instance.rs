//! This instance: who may sign up, its operators, how to reach them.

use super::signup_policy::SignUpPolicy;

#[derive(Debug, Clone, Default)]
pub struct Instance {
    pub sign_up: SignUpPolicy,
    /// Spotify IDs of the users who see the admin page.
    pub operators: Vec<String>,
    /// Shown to everyone.
    pub contact: Option<Contact>,
}

impl Instance {
    pub fn is_operator(&self, spotify_id: &str) -> bool {
        self.operators.iter().any(|operator| operator == spotify_id)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    Address(String),
    /// The URL of a page.
    Page(String),
}

impl Contact {
    pub fn link(&self) -> String {
        match self {
            Self::Address(address) => format!("mailto:{address}"),
            Self::Page(page) => page.clone(),
        }
    }

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
    fn only_named_user_is_operator() {
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
