//! Codes and tokens, as the accounts service deals in them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use sha2::{Digest, Sha256};

use super::{FakeUserId, World};
use crate::clock::random;

const CODE_LIVES: std::time::Duration = std::time::Duration::from_secs(600);
const ACCESS_LIVES: std::time::Duration = std::time::Duration::from_secs(3600);

/// What becomes of the refresh token when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// It stays good, and the answer does not mention it.
    #[default]
    Never,
    /// The answer brings a new one; the old one is no good any more.
    Always,
}

/// An OAuth error: the code and a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) struct Refusal(
    pub(in crate::demo) &'static str,
    pub(in crate::demo) &'static str,
);

/// The scopes that were agreed to.
pub(in crate::demo) type Scope = BTreeSet<String>;

#[derive(Debug)]
pub(super) struct Code {
    pub(super) user: FakeUserId,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: Scope,
    pub(super) made_at: Timestamp,
}

/// What one user agreed to at one time.
#[derive(Debug)]
pub(super) struct Grant {
    user: FakeUserId,
    scope: Scope,
    consented_at: Timestamp,
    revoked: bool,
}

#[derive(Debug)]
pub(super) struct Access {
    /// The app itself where `None`.
    grant: Option<usize>,
    until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Refresh {
    grant: usize,
    spent: bool,
}

/// What the token endpoint hands out.
#[derive(Debug)]
pub(in crate::demo) struct Issued {
    pub(in crate::demo) access: String,
    pub(in crate::demo) refresh: Option<String>,
    pub(in crate::demo) scope: Scope,
    pub(in crate::demo) seconds: u64,
}

/// Whom an access token speaks for.
#[derive(Debug)]
pub(in crate::demo) enum Bearer {
    App,
    User(FakeUserId, Scope),
    Expired,
    Unknown,
}

impl World {
    /// The client that the world knows; without a secret it has to be one that uses PKCE alone.
    pub fn set_client(&self, id: impl Into<String>, secret: Option<&str>) {
        let mut state = self.state();
        state.client_id = id.into();
        state.client_secret = secret.map(str::to_owned);
    }

    /// From now on only registered addresses may be returned to, this one among them.
    pub fn register_redirect(&self, uri: impl Into<String>) {
        self.state().redirect_uris.push(uri.into());
    }

    /// Whether the app's owner pays for Premium. Where not, the API answers 403 in plain text.
    pub fn set_owner_premium(&self, premium: bool) {
        self.state().owner_premium = premium;
    }

    /// What becomes of refresh tokens when they are used.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.state().rotation = rotation;
    }

    /// The user takes every consent back: refresh tokens give `invalid_grant`, access tokens 401.
    pub fn revoke(&self, user: FakeUserId) {
        let grants = &mut self.state().grants;
        grants.iter_mut().filter(|g| g.user == user).for_each(|grant| grant.revoked = true);
    }

    /// The six months of the user's consents are over: refresh tokens give `invalid_grant`, access
    /// tokens live on for the rest of their hour.
    pub fn expire(&self, user: FakeUserId) {
        let grants = &mut self.state().grants;
        let hers = grants.iter_mut().filter(|g| g.user == user);
        hers.for_each(|grant| grant.consented_at = Timestamp::UNIX_EPOCH);
    }

    /// Every access token ends now.
    pub fn expire_access_tokens(&self) {
        let now = self.now();
        self.state().access.values_mut().for_each(|token| token.until = token.until.min(now));
    }

    /// Whether the API is closed since the owner does not pay.
    pub(in crate::demo) fn owner_pays(&self) -> bool {
        self.state().owner_premium
    }

    /// Whether a client that authenticates itself like this is the one that the world knows.
    pub(in crate::demo) fn knows_client(&self, id: &str, secret: Option<&str>) -> bool {
        let state = self.state();
        let secret_fits = secret.is_none() || state.client_secret.as_deref() == secret;
        state.client_id == id && secret_fits
    }

    /// A code for tokens.
    pub(in crate::demo) fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Issued, Refusal> {
        let now = self.now();
        // Taken out first: a code is good for one attempt.
        let code = self.state().codes.remove(code);
        let code = code
            .filter(|code| now < code.made_at + CODE_LIVES)
            .ok_or(Refusal("invalid_grant", "Invalid authorization code"))?;
        if redirect_uri != code.redirect_uri {
            return Err(Refusal("invalid_grant", "Invalid redirect URI"));
        }
        if !proves(verifier, &code.challenge) {
            return Err(Refusal("invalid_grant", "code_verifier was incorrect"));
        }
        let (user, scope) = (code.user, code.scope);
        let grant = {
            let grants = &mut self.state().grants;
            grants.push(Grant { user, scope, consented_at: now, revoked: false });
            grants.len() - 1
        };
        Ok(self.issue(grant, true))
    }

    /// A refresh token for an access token.
    pub(in crate::demo) fn refresh(&self, token: &str) -> Result<Issued, Refusal> {
        let now = self.now();
        let (grant, rotates) = {
            let mut state = self.state();
            let rotates = state.rotation == Rotation::Always;
            let known = state.refresh.get_mut(token).filter(|token| !token.spent);
            let known = known.ok_or(Refusal("invalid_grant", "Invalid refresh token"))?;
            let number = known.grant;
            let grant = &state.grants[number];
            if grant.revoked {
                return Err(Refusal("invalid_grant", "Refresh token revoked"));
            }
            if now >= six_months_after(grant.consented_at) {
                return Err(Refusal("invalid_grant", "Refresh token expired"));
            }
            state.refresh.entry(token.to_owned()).and_modify(|token| token.spent = rotates);
            (number, rotates)
        };
        Ok(self.issue(grant, rotates))
    }

    /// An access token of the app's own.
    pub(in crate::demo) fn issue_to_app(&self) -> Issued {
        let access = self.token();
        let until = self.now() + ACCESS_LIVES;
        self.state().access.insert(access.clone(), Access { grant: None, until });
        Issued { access, refresh: None, scope: Scope::new(), seconds: ACCESS_LIVES.as_secs() }
    }

    fn issue(&self, grant: usize, with_refresh: bool) -> Issued {
        let (access, refresh) = (self.token(), self.token());
        let until = self.now() + ACCESS_LIVES;
        let mut state = self.state();
        state.access.insert(access.clone(), Access { grant: Some(grant), until });
        if with_refresh {
            state.refresh.insert(refresh.clone(), Refresh { grant, spent: false });
        }
        let scope = state.grants[grant].scope.clone();
        let refresh = with_refresh.then_some(refresh);
        Issued { access, refresh, scope, seconds: ACCESS_LIVES.as_secs() }
    }

    /// Whom the access token speaks for.
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

    /// Random text of the length and alphabet of a code or token.
    pub(super) fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(random::<72>(&*self.chance))
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
