//! Authorization codes and tokens.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use sha2::{Digest, Sha256};

use super::{FakeUserId, World};
use crate::clock::random;

pub(in crate::demo) const CLIENT_ID: &str = "demo-client";
const CODE_TTL: std::time::Duration = std::time::Duration::from_secs(600);
pub(in crate::demo) const ACCESS_TOKEN_TTL: std::time::Duration =
    std::time::Duration::from_secs(3600);

/// An OAuth error: `error` and `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) struct OAuthError(
    pub(in crate::demo) &'static str,
    pub(in crate::demo) &'static str,
);

pub(in crate::demo) type Scope = BTreeSet<String>;

#[derive(Debug)]
pub(super) struct Code {
    pub(super) user: FakeUserId,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: Scope,
    pub(super) made_at: Timestamp,
}

/// One consent of a user.
#[derive(Debug)]
pub(super) struct Grant {
    user: FakeUserId,
    scope: Scope,
    consented_at: Timestamp,
    revoked: bool,
}

#[derive(Debug)]
pub(super) struct Access {
    /// `None` for a token of the app itself.
    grant: Option<usize>,
    until: Timestamp,
}

#[derive(Debug)]
pub(in crate::demo) struct Issued {
    pub(in crate::demo) access: String,
    pub(in crate::demo) refresh: Option<String>,
    pub(in crate::demo) scope: Scope,
}

#[derive(Debug)]
pub(in crate::demo) enum Bearer {
    App,
    User(FakeUserId, Scope),
    Expired,
    Unknown,
}

impl World {
    /// Sets the secret of the app. Without one, the app is a public client that uses PKCE.
    pub fn set_client_secret(&self, secret: &str) {
        self.state().client_secret = Some(secret.to_owned());
    }

    /// Whether the app's owner has Premium. If not, the API answers 403 in plain text.
    pub fn set_owner_premium(&self, premium: bool) {
        self.state().owner_premium_lapsed = !premium;
    }

    /// From now on each refresh returns a new refresh token and invalidates the old one.
    pub fn rotate_refresh_tokens(&self) {
        self.state().rotates_refresh_tokens = true;
    }

    /// Revokes all consents of the user: refresh tokens give `invalid_grant`, access tokens 401.
    pub fn revoke(&self, user: FakeUserId) {
        let grants = &mut self.state().grants;
        grants.iter_mut().filter(|g| g.user == user).for_each(|grant| grant.revoked = true);
    }

    /// Expires all consents of the user, as after six months: refresh tokens give `invalid_grant`,
    /// access tokens stay valid for the rest of their hour.
    pub fn expire(&self, user: FakeUserId) {
        let grants = &mut self.state().grants;
        let hers = grants.iter_mut().filter(|g| g.user == user);
        hers.for_each(|grant| grant.consented_at = Timestamp::UNIX_EPOCH);
    }

    pub fn expire_access_tokens(&self) {
        let now = self.now();
        self.state().access.values_mut().for_each(|token| token.until = token.until.min(now));
    }

    pub(in crate::demo) fn owner_has_premium(&self) -> bool {
        !self.state().owner_premium_lapsed
    }

    /// Whether these are the credentials of the app.
    pub(in crate::demo) fn knows_client(&self, id: &str, secret: Option<&str>) -> bool {
        let is_secret = |given| self.state().client_secret.as_deref() == Some(given);
        id == CLIENT_ID && secret.is_none_or(is_secret)
    }

    pub(in crate::demo) fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Issued, OAuthError> {
        let now = self.now();
        // Removed first: a code is valid for one attempt.
        let code = self.state().codes.remove(code);
        let code = code
            .filter(|code| now < code.made_at + CODE_TTL)
            .ok_or(OAuthError("invalid_grant", "Invalid authorization code"))?;
        if redirect_uri != code.redirect_uri {
            return Err(OAuthError("invalid_grant", "Invalid redirect URI"));
        }
        if !proves(verifier, &code.challenge) {
            return Err(OAuthError("invalid_grant", "code_verifier was incorrect"));
        }
        let (user, scope) = (code.user, code.scope);
        let grant = {
            let grants = &mut self.state().grants;
            grants.push(Grant { user, scope, consented_at: now, revoked: false });
            grants.len() - 1
        };
        Ok(self.issue(Some(grant), true))
    }

    pub(in crate::demo) fn refresh(&self, token: &str) -> Result<Issued, OAuthError> {
        let now = self.now();
        let (grant, rotates) = {
            let mut state = self.state();
            let grant = state.refresh.get(token).copied();
            let grant = grant.ok_or(OAuthError("invalid_grant", "Invalid refresh token"))?;
            if state.grants[grant].revoked {
                return Err(OAuthError("invalid_grant", "Refresh token revoked"));
            }
            if now >= six_months_after(state.grants[grant].consented_at) {
                return Err(OAuthError("invalid_grant", "Refresh token expired"));
            }
            if state.rotates_refresh_tokens {
                state.refresh.remove(token);
            }
            (grant, state.rotates_refresh_tokens)
        };
        Ok(self.issue(Some(grant), rotates))
    }

    /// Tokens for a consent, or an access token for the app itself.
    pub(in crate::demo) fn issue(&self, grant: Option<usize>, with_refresh: bool) -> Issued {
        let (access, refresh) = (self.token(), self.token());
        let until = self.now() + ACCESS_TOKEN_TTL;
        let mut state = self.state();
        state.access.insert(access.clone(), Access { grant, until });
        let mut issued = Issued { access, refresh: None, scope: Scope::new() };
        if let Some(grant) = grant {
            issued.scope.clone_from(&state.grants[grant].scope);
            if with_refresh {
                state.refresh.insert(refresh.clone(), grant);
                issued.refresh = Some(refresh);
            }
        }
        issued
    }

    pub(in crate::demo) fn bearer(&self, token: &str) -> Bearer {
        let now = self.now();
        let state = self.state();
        match state.access.get(token) {
            None => Bearer::Unknown,
            Some(token) if token.until <= now => Bearer::Expired,
            Some(Access { grant: None, .. }) => Bearer::App,
            Some(Access { grant: Some(grant), .. }) => match &state.grants[*grant] {
                grant if grant.revoked => Bearer::Unknown,
                grant => Bearer::User(grant.user, grant.scope.clone()),
            },
        }
    }

    /// Random text with the length and alphabet of a code or token.
    pub(super) fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(random::<72>(&*self.rng))
    }
}

/// RFC 7636 §4.6.
fn proves(verifier: &str, challenge: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

/// <https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>
fn six_months_after(consent: Timestamp) -> Timestamp {
    let later = ZonedDateTime::new(consent, TimeZone::UTC).checked_add(6.months());
    later.map_or(Timestamp::MAX, |later| later.timestamp())
}

#[cfg(test)]
mod tests;
