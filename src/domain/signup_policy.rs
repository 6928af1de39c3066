/// Who may sign up. Existing users can always sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignUpPolicy {
    #[default]
    Open,
    Invitation,
    Closed,
}

/// The invitation that a new user brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    None,
    Valid,
    /// Used, expired or withdrawn.
    Invalid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignUpDenied {
    #[error("sign-up is closed")]
    Closed,
    #[error("sign-up requires an invitation")]
    InvitationRequired,
    #[error("the invitation is no longer valid")]
    InvitationInvalid,
}

impl SignUpPolicy {
    /// Whether a new user with such an invitation may sign up.
    pub fn check(self, invitation: InvitationStatus) -> Result<(), SignUpDenied> {
        match (self, invitation) {
            (Self::Open, _) | (Self::Invitation, InvitationStatus::Valid) => Ok(()),
            (Self::Closed, _) => Err(SignUpDenied::Closed),
            (Self::Invitation, InvitationStatus::None) => Err(SignUpDenied::InvitationRequired),
            (Self::Invitation, InvitationStatus::Invalid) => Err(SignUpDenied::InvitationInvalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_users_sign_in_and_policy_decides_new_ones() {
        use SignUpPolicy::{Closed, Invitation, Open};
        let strangers = |door: SignUpPolicy| {
            [InvitationStatus::None, InvitationStatus::Invalid, InvitationStatus::Valid]
                .map(|held| door.check(held))
        };
        assert_eq!(strangers(Open), [Ok(()); 3]);
        assert_eq!(strangers(Closed), [Err(SignUpDenied::Closed); 3]);
        let by_invitation =
            [Err(SignUpDenied::InvitationRequired), Err(SignUpDenied::InvitationInvalid), Ok(())];
        assert_eq!(strangers(Invitation), by_invitation);
    }
}
