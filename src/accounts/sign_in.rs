//! Signing in at Spotify: each attempt is bound to one browser and valid once, for ten minutes.

use subtle::ConstantTimeEq;
use url::Url;

use super::{access_requests, invitations, secret, session};
use crate::context::Ctx;
use crate::domain::signup_policy::{InvitationStatus, SignUpDenied};
use crate::domain::token::Grant;
use crate::domain::user::Profile;
use crate::gateway::GatewayError;
use crate::spotify::{self, auth::new_verifier};
use crate::store::oauth_states::{self, OauthState};
use crate::store::{self, StoreError, Tx, preferences, sessions, tokens, users};

#[derive(Debug)]
pub struct AuthorizationRedirect {
    pub authorize_url: Url,
    /// The cookie that binds the sign-in to this browser.
    pub browser: String,
}

/// The parameters of Spotify's redirect.
#[derive(Debug, Default, serde::Deserialize)]
pub struct CallbackParams {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("the callback has no state or no code")]
    MissingParameter,
    #[error("the state is unknown, already used or expired")]
    StateExpiredOrUsed,
    #[error("the state belongs to another browser")]
    StateMismatch,
    /// The user declined.
    #[error("the user declined at Spotify")]
    Refused,
    /// Spotify returned an error other than `access_denied`.
    #[error("Spotify sent an error back instead of a code")]
    ProviderError,
    #[error("the code has expired or was already used")]
    CodeUsed,
    #[error("Spotify sent no refresh token")]
    NoRefreshToken,
    /// The sign-up policy denies it. Nothing is stored.
    #[error(transparent)]
    SignUpDenied(#[from] SignUpDenied),
    #[error("the user is the user is the user is not on the app's allow-list")]
    NotOnAllowList {
        /// Allows an access request; `None` if the sign-up policy would deny them, or no operator address is
        /// configured.
        proof: Option<Proof>,
    },
    #[error(transparent)]
    Gateway(GatewayError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Allows an access request. `Debug` does not show it.
pub struct Proof(pub String);

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

/// Starts a sign-in, with the token of an `invitation` if there is one. A browser keeps its cookie, so that
/// sign-ins in two tabs do not interfere.
pub async fn begin_sign_in(
    ctx: &Ctx,
    cookie: Option<&str>,
    invitation: Option<&str>,
) -> Result<AuthorizationRedirect, StoreError> {
    let browser = match cookie.filter(|cookie| secret::is_well_formed(cookie)) {
        Some(cookie) => cookie.to_owned(),
        None => secret::new(&*ctx.rng),
    };
    let state = secret::new(&*ctx.rng);
    let verifier = new_verifier(&*ctx.rng);
    let authorize_url = ctx.gateway.accounts().authorize_url(&state, &verifier);
    let (state, bound_to) = (secret::hash(&state), secret::hash(&browser));
    let invitation = invitation.map(secret::hash);
    let begin = move |tx: &Tx<'_>| {
        let brought =
            invitation.map(|token| store::invitations::of_token(tx, token)).transpose()?;
        let number = brought.flatten().map(|invitation| invitation.number);
        oauth_states::begin(tx, state, bound_to, &verifier, number)
    };
    ctx.db.write("save oauth state", begin).await?;
    Ok(AuthorizationRedirect { authorize_url, browser })
}

/// Completes a sign-in: checks the state, exchanges the code, loads the profile, saves the tokens and opens a
/// session, which replaces the one that the browser `held`. Returns the session token, for a cookie.
pub async fn complete_sign_in(
    ctx: &Ctx,
    back: &CallbackParams,
    cookie: Option<&str>,
    held: Option<&str>,
) -> Result<String, SignInError> {
    let state = back
        .state
        .as_deref()
        .filter(|state| !state.is_empty())
        .ok_or(SignInError::MissingParameter)?;
    let hash = secret::hash(state);
    let trip = ctx.db.write("take oauth state", move |tx| oauth_states::take(tx, hash)).await?;
    let trip = trip
        .filter(|trip| trip.expires_at > ctx.clock.now())
        .ok_or(SignInError::StateExpiredOrUsed)?;
    if !is_same_browser(&trip, cookie) {
        return Err(SignInError::StateMismatch);
    }
    // https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
    match back.error.as_deref() {
        None => {}
        Some("access_denied") => return Err(SignInError::Refused),
        Some(_) => return Err(SignInError::ProviderError),
    }
    let code = back
        .code
        .as_deref()
        .filter(|code| !code.is_empty())
        .ok_or(SignInError::MissingParameter)?;
    match ctx.gateway.exchange_code(code, &trip.verifier).await {
        Ok(who) => keep(ctx, who, trip.invitation, held.map(secret::hash)).await,
        Err(GatewayError::Spotify(spotify::Error::InvalidGrant(_))) => Err(SignInError::CodeUsed),
        Err(GatewayError::Spotify(spotify::Error::NotOnAllowList)) => {
            Err(not_on_allow_list(ctx, trip.invitation).await?)
        }
        Err(error) => Err(SignInError::Gateway(error)),
    }
}

/// Spotify does not say who it is, so the sign-up policy for new users decides whether they may request
/// access.
async fn not_on_allow_list(ctx: &Ctx, invitation: Option<i64>) -> Result<SignInError, StoreError> {
    let held =
        ctx.db.read("check access request", move |tx| invitations::held(tx, invitation)).await?;
    let may_ask = ctx.operator.is_some() && ctx.instance.sign_up.check(held).is_ok();
    Ok(SignInError::NotOnAllowList { proof: may_ask.then(|| Proof(access_requests::proof(ctx))) })
}

fn is_same_browser(trip: &OauthState, cookie: Option<&str>) -> bool {
    cookie.is_some_and(|cookie| secret::hash(cookie).ct_eq(&trip.browser_hash).into())
}

async fn keep(
    ctx: &Ctx,
    (profile, grant): (Profile, Grant),
    invitation: Option<i64>,
    held: Option<[u8; 32]>,
) -> Result<String, SignInError> {
    let refresh = grant.refresh.clone().ok_or(SignInError::NoRefreshToken)?;
    let token = secret::new(&*ctx.rng);
    let (opened, zone, sign_up) = (token.clone(), ctx.zone.clone(), ctx.instance.sign_up);
    let sign_in = move |tx: &Tx<'_>| {
        let is_new = users::find_by_profile(tx, &profile)?.is_none();
        let held_invitation = invitations::held(tx, invitation)?;
        if is_new && let Err(why) = sign_up.check(held_invitation) {
            return Ok(Err(why));
        }
        let user = users::sign_in(tx, &profile)?;
        if let Some(address) = &profile.email {
            store::access_requests::forget_address(tx, address)?;
        }
        if is_new
            && held_invitation == InvitationStatus::Valid
            && let Some(number) = invitation
        {
            store::invitations::use_up(tx, number, user)?;
        }
        preferences::propose_zone(tx, user, &zone)?;
        tokens::keep(tx, user, &grant, &refresh)?;
        held.map_or(Ok(()), |held| sessions::close(tx, held))?;
        session::create(tx, &opened, user)?;
        Ok(Ok(user))
    };
    let user = ctx.db.write("sign in", sign_in).await??;
    tracing::info!(user = user.0, "signed in");
    Ok(token)
}
