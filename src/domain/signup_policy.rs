//! Who may sign up.

/// Who may sign up. Whoever is here already may always sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignUpPolicy {
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
pub enum Applicant {
    /// Is here already.
    Existing,
    /// Is not, and holds this.
    New(InvitationStatus),
}

/// What a stranger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    /// No invitation.
    None,
    /// An invitation that is good.
    Valid,
    /// An invitation that was used, is over or was withdrawn.
    Invalid,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignUpDenied {
    /// Nobody new is.
    #[error("sign-up is closed")]
    Closed,
    /// They hold no invitation.
    #[error("sign-up requires an invitation")]
    InvitationRequired,
    /// Theirs was used, is over or was withdrawn.
    #[error("the invitation is no longer valid")]
    InvitationInvalid,
}

impl SignUpPolicy {
    /// Whether `applicant` may sign in.
    ///
    /// # Errors
    /// [`SignUpDenied`]: why not.
    pub fn check(self, applicant: Applicant) -> Result<(), SignUpDenied> {
        match (self, applicant) {
            (_, Applicant::Existing)
            | (Self::Open, Applicant::New(_))
            | (Self::Invitation, Applicant::New(InvitationStatus::Valid)) => Ok(()),
            (Self::Closed, Applicant::New(_)) => Err(SignUpDenied::Closed),
            (Self::Invitation, Applicant::New(InvitationStatus::None)) => {
                Err(SignUpDenied::InvitationRequired)
            }
            (Self::Invitation, Applicant::New(InvitationStatus::Invalid)) => {
                Err(SignUpDenied::InvitationInvalid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_here_may_always_come_back_and_strangers_as_the_instance_has_it() {
        use SignUpPolicy::{Closed, Invitation, Open};
        for door in [Open, Invitation, Closed] {
            assert_eq!(door.check(Applicant::Existing), Ok(()));
        }
        let strangers = |door: SignUpPolicy| {
            [InvitationStatus::None, InvitationStatus::Invalid, InvitationStatus::Valid]
                .map(|held| door.check(Applicant::New(held)))
        };
        assert_eq!(strangers(Open), [Ok(()); 3]);
        assert_eq!(strangers(Closed), [Err(SignUpDenied::Closed); 3]);
        let by_invitation =
            [Err(SignUpDenied::InvitationRequired), Err(SignUpDenied::InvitationInvalid), Ok(())];
        assert_eq!(strangers(Invitation), by_invitation);
    }
}
