//! Signing in: to Spotify and back, bound to one browser, once, within ten minutes.

use subtle::ConstantTimeEq;
use url::Url;

use super::{callers, invitations, secret, session};
use crate::context::Ctx;
use crate::domain::signup_policy::{Applicant, InvitationStatus, SignUpDenied};
use crate::domain::token::Grant;
use crate::domain::user::{Profile, UserId};
use crate::gateway::GatewayError;
use crate::spotify::{self, auth::new_verifier};
use crate::store::sign_ins::{self, SignIn};
use crate::store::{self, StoreError, Tx, preferences, sessions, tokens, users};

/// Where to send somebody who wants to sign in.
#[derive(Debug)]
pub struct Departure {
    /// Spotify's page.
    pub authorize_url: Url,
    /// The secret that ties the trip to this browser: a cookie.
    pub browser: String,
}

/// What Spotify's redirect carries.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Return {
    /// The code, where the user agreed.
    pub code: Option<String>,
    /// What we sent along.
    pub state: Option<String>,
    /// Spotify's word for why not, where they did not.
    pub error: Option<String>,
}

/// Somebody who is signed in.
#[derive(Debug)]
pub struct Arrival {
    /// Who.
    pub user: UserId,
    /// The session's token: a cookie.
    pub session: String,
}

/// Why somebody who came back is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The address was opened without what Spotify adds to it.
    #[error("the callback has no state or no code")]
    Incomplete,
    /// The trip took longer than ten minutes, or was finished before.
    #[error("the state is unknown, used or over")]
    Stale,
    /// The trip began in another browser.
    #[error("the state belongs to another browser")]
    Foreign,
    /// The user refused.
    #[error("refused at Spotify")]
    Refused,
    /// Spotify sent them back without asking them.
    #[error("Spotify sent an error back instead of a code")]
    NotAsked,
    /// The code was used before or came too late.
    #[error("the code is used or over")]
    CodeUsed,
    /// Spotify gave no refresh token, without which nothing can be watched.
    #[error("Spotify gave no refresh token")]
    NoRefreshToken,
    /// They may not sign up here. Nothing of them is kept.
    #[error(transparent)]
    SignUpDenied(#[from] SignUpDenied),
    /// They are not on the app's list at Spotify.
    #[error("not on the app's allow-list")]
    NotOnAllowList {
        /// What lets them ask the operator to enter them; `None` where they would be turned away, or
        /// nobody is named whom an email could tell. It is a secret, and its page's.
        proof: Option<Proof>,
    },
    /// Spotify could not be asked, or said no.
    #[error(transparent)]
    Access(GatewayError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What lets somebody ask the operator to enter them. `Debug` does not show it.
pub struct Proof(pub String);

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

/// Prepares a trip to Spotify, with what stands in the link of an `invitation` if there is one. A browser that holds a cookie keeps it, so that two tabs do not
/// spoil one another's trips.
///
/// # Errors
/// [`StoreError`]
pub async fn depart(
    ctx: &Ctx,
    cookie: Option<&str>,
    invitation: Option<&str>,
) -> Result<Departure, StoreError> {
    let browser = match cookie.filter(|cookie| secret::is_well_formed(cookie)) {
        Some(cookie) => cookie.to_owned(),
        None => secret::new(&*ctx.chance),
    };
    let state = secret::new(&*ctx.chance);
    let verifier = new_verifier(&*ctx.chance);
    let authorize_url = ctx.gateway.accounts().authorize_url(&state, &verifier);
    let (state, bound_to) = (secret::hash(&state), secret::hash(&browser));
    let invitation = invitation.map(secret::hash);
    let begin = move |tx: &Tx<'_>| {
        let brought =
            invitation.map(|token| store::invitations::of_token(tx, token)).transpose()?;
        let number = brought.flatten().map(|invitation| invitation.number);
        sign_ins::begin(tx, state, bound_to, &verifier, number)
    };
    ctx.db.write("begin sign-in", begin).await?;
    Ok(Departure { authorize_url, browser })
}

/// Finishes a trip: checks that it is ours, exchanges the code, learns who it is, keeps the tokens
/// and opens a session, in the place of the one that the browser `held`.
///
/// # Errors
/// [`SignInError`], each of which deserves its own page.
pub async fn arrive(
    ctx: &Ctx,
    back: &Return,
    cookie: Option<&str>,
    held: Option<&str>,
) -> Result<Arrival, SignInError> {
    let state =
        back.state.as_deref().filter(|state| !state.is_empty()).ok_or(SignInError::Incomplete)?;
    let hash = secret::hash(state);
    let trip = ctx.db.write("take sign-in", move |tx| sign_ins::take(tx, hash)).await?;
    let trip = trip.filter(|trip| trip.expires_at > ctx.clock.now()).ok_or(SignInError::Stale)?;
    if !is_same_browser(&trip, cookie) {
        return Err(SignInError::Foreign);
    }
    // https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
    match back.error.as_deref() {
        None => {}
        Some("access_denied") => return Err(SignInError::Refused),
        Some(_) => return Err(SignInError::NotAsked),
    }
    let code =
        back.code.as_deref().filter(|code| !code.is_empty()).ok_or(SignInError::Incomplete)?;
    match ctx.gateway.introduce(code, &trip.verifier).await {
        Ok(who) => keep(ctx, who, trip.invitation, held.map(secret::hash)).await,
        Err(GatewayError::Spotify(spotify::Error::SignInAgain(_))) => Err(SignInError::CodeUsed),
        Err(GatewayError::Spotify(spotify::Error::NotOnAllowList)) => {
            Err(not_on_allow_list(ctx, trip.invitation).await?)
        }
        Err(error) => Err(SignInError::Access(error)),
    }
}

/// Spotify does not say who it is. So they may ask to be entered if a stranger who holds what they
/// hold may sign up.
async fn not_on_allow_list(ctx: &Ctx, invitation: Option<i64>) -> Result<SignInError, StoreError> {
    let held = ctx.db.read("may they ask", move |tx| invitations::held(tx, invitation)).await?;
    let may_ask =
        ctx.operator.is_some() && ctx.instance.sign_up.check(Applicant::New(held)).is_ok();
    Ok(SignInError::NotOnAllowList { proof: may_ask.then(|| Proof(callers::proof(ctx))) })
}

fn is_same_browser(trip: &SignIn, cookie: Option<&str>) -> bool {
    cookie.is_some_and(|cookie| secret::hash(cookie).ct_eq(&trip.browser_hash).into())
}

async fn keep(
    ctx: &Ctx,
    (profile, grant): (Profile, Grant),
    invitation: Option<i64>,
    held: Option<[u8; 32]>,
) -> Result<Arrival, SignInError> {
    let refresh = grant.refresh.clone().ok_or(SignInError::NoRefreshToken)?;
    let token = secret::new(&*ctx.chance);
    let (opened, zone, sign_up) = (token.clone(), ctx.zone.clone(), ctx.instance.sign_up);
    let sign_in = move |tx: &Tx<'_>| {
        let applicant = match users::known_as(tx, &profile)? {
            Some(_) => Applicant::Existing,
            None => Applicant::New(invitations::held(tx, invitation)?),
        };
        if let Err(why) = sign_up.check(applicant) {
            return Ok(Err(why));
        }
        let user = users::sign_in(tx, &profile)?;
        if let Some(address) = &profile.email {
            store::callers::forget_address(tx, address)?;
        }
        if let (Applicant::New(InvitationStatus::Valid), Some(number)) = (applicant, invitation) {
            store::invitations::use_up(tx, number, user)?;
        }
        preferences::propose_zone(tx, user, &zone)?;
        tokens::keep(tx, user, &grant, &refresh)?;
        held.map_or(Ok(()), |held| sessions::close(tx, held))?;
        session::open(tx, &opened, user)?;
        Ok(Ok(user))
    };
    let user = ctx.db.write("sign in", sign_in).await??;
    tracing::info!(user = user.0, "signed in");
    Ok(Arrival { user, session: token })
}
