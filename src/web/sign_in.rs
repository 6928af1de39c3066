//! Signing in: the redirect to Spotify, and its callback.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use super::access_request;
use super::cookies::{self, Purpose};
use super::page::{self, Message, PageResult};
use super::session::UrlQuery;
use crate::accounts::sign_in::{self, CallbackParams, SignInError};
use crate::context::Ctx;
use crate::domain::quota::{Cause, Pause};
use crate::domain::signup_policy::SignUpDenied;
use crate::gateway::GatewayError;
use crate::jobs::worker::{Job, JobNotifier};
use crate::spotify;

/// A GET although it inserts a row: browsers do not let forms redirect to hosts that `form-action` does not
/// name (<https://www.w3.org/TR/CSP3/#directive-form-action>).
pub(super) async fn begin_sign_in(
    State(ctx): State<Arc<Ctx>>,
    UrlQuery(query): UrlQuery,
    jar: CookieJar,
) -> PageResult {
    let invitation = query.text("invitation");
    let cookie = cookies::read(&jar, &ctx, Purpose::Trip);
    let departure = sign_in::begin_sign_in(&ctx, cookie.as_deref(), invitation.as_deref()).await?;
    let jar = cookies::set(jar, &ctx, Purpose::Trip, departure.browser);
    Ok((jar, Redirect::to(departure.authorize_url.as_str())).into_response())
}

pub(super) async fn complete_sign_in(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    UrlQuery(query): UrlQuery,
    jar: CookieJar,
) -> Response {
    let [code, state, error] = ["code", "state", "error"].map(|name| query.text(name));
    let back = CallbackParams { code, state, error };
    let cookie = cookies::read(&jar, &ctx, Purpose::Trip);
    let held = cookies::read(&jar, &ctx, Purpose::Session);
    match sign_in::complete_sign_in(&ctx, &back, cookie.as_deref(), held.as_deref()).await {
        Ok(session) => {
            notifier.notify(Job::SyncFollows);
            let jar = cookies::clear(jar, &ctx, Purpose::Trip);
            let jar = cookies::set(jar, &ctx, Purpose::Session, session);
            (jar, Redirect::to("/account")).into_response()
        }
        Err(error) => explain(&ctx, error),
    }
}

/// The page for each reason why a sign-in failed.
fn explain(ctx: &Ctx, error: SignInError) -> Response {
    tracing::info!(%error, "sign-in failed");
    let again = Some(("Connect with Spotify", "/login"));
    let front = Some(("Go to the start page", "/"));
    let (status, title, body, action) = match error {
        SignInError::MissingParameter => (
            StatusCode::BAD_REQUEST,
            "This sign-in link is incomplete",
            "Spotify sends you to this page when you sign in, but part of the link is missing. \
             Please connect again.",
            again,
        ),
        SignInError::StateExpiredOrUsed => (
            StatusCode::BAD_REQUEST,
            "This sign-in has expired or was already used",
            "A sign-in has to be completed within ten minutes. Nothing was changed. Please connect \
             again.",
            again,
        ),
        SignInError::StateMismatch => (
            StatusCode::BAD_REQUEST,
            "This sign-in started in another browser",
            "For your security, it can only be completed in the browser where it started, with \
             cookies enabled. Nothing was changed. Please connect again here.",
            again,
        ),
        SignInError::Refused => (
            StatusCode::FORBIDDEN,
            "You’re not connected",
            "You didn’t agree at Spotify, so we can’t see which artists you follow. Nothing was \
             changed. If that was a mistake, connect again.",
            again,
        ),
        SignInError::ProviderError => (
            StatusCode::BAD_GATEWAY,
            "Spotify couldn’t complete the sign-in",
            "It sent you back with an error. Please try again in a few minutes. If it keeps \
             happening, contact the operator.",
            again,
        ),
        SignInError::CodeUsed => (
            StatusCode::BAD_REQUEST,
            "That took too long",
            "Spotify’s code has expired or was already used. Please connect again.",
            again,
        ),
        SignInError::NoRefreshToken => (
            StatusCode::BAD_GATEWAY,
            "Spotify’s response was incomplete",
            "It didn’t grant lasting access, so we can’t track your artists. Please connect again. \
             If it keeps happening, contact the operator.",
            again,
        ),
        SignInError::NotOnAllowList { proof } => return access_request::show(ctx, proof),
        SignInError::SignUpDenied(why) => return sign_up_denied(ctx, why),
        SignInError::Store(error) => return page::internal_error(&error),
        SignInError::Gateway(error) => return explain_access(&error, again, front),
    };
    Message { title, body, action }.with(status)
}

fn sign_up_denied(ctx: &Ctx, why: SignUpDenied) -> Response {
    let (title, body) = match why {
        SignUpDenied::Closed => (
            "This Dropday isn’t accepting new people right now",
            "Nothing about you was stored. If you already have an account, connect with the \
             Spotify account you signed up with. You can remove Dropday from your Spotify account \
             at spotify.com/account/apps.",
        ),
        SignUpDenied::InvitationRequired => (
            "This Dropday is by invitation only only only",
            "Nothing about you was stored. If you have an invitation, open its link and connect \
             from there. Otherwise, ask the operator for one. If you already have an account, \
             connect with the Spotify account you signed up with. You can remove Dropday from your \
             Spotify account at spotify.com/account/apps.",
        ),
        SignUpDenied::InvitationInvalid => (
            "This invitation is no longer valid",
            "It has been used, has expired or was withdrawn. Nothing about you was stored. Ask the \
             operator for a new one. You can remove Dropday from your Spotify account at \
             spotify.com/account/apps.",
        ),
    };
    Message { title, body, action: None }.with_contact(ctx, StatusCode::FORBIDDEN)
}

fn explain_access(
    error: &GatewayError,
    again: Option<(&'static str, &'static str)>,
    front: Option<(&'static str, &'static str)>,
) -> Response {
    use spotify::Error as E;
    let (status, title, body, action) = match error {
        GatewayError::Store(error) => return page::internal_error(error),
        GatewayError::Spotify(E::OwnerNeedsPremium)
        | GatewayError::Paused(Pause { cause: Cause::Premium, .. }) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Spotify has stopped this app",
            "The app’s owner needs an active Spotify Premium subscription. Please tell the \
             operator. After they renew it, it can take a few hours before Spotify lets people in \
             again.",
            front,
        ),
        GatewayError::Spotify(E::InvalidClient) => (
            StatusCode::BAD_GATEWAY,
            "Dropday isn’t set up correctly with Spotify",
            "Its client ID, client secret or redirect URI doesn’t match what is registered at \
             Spotify. Please tell the operator; “dropday check” shows the details.",
            front,
        ),
        GatewayError::Paused(_)
        | GatewayError::QueueFull
        | GatewayError::Spotify(E::RateLimited { .. } | E::QuotaExceeded { .. }) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Spotify asked us to slow down",
            "We made too many requests in a short time. Your account is fine. Please connect again \
             later.",
            again,
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "Spotify didn’t respond as expected",
            "Nothing was changed. Please try again in a few minutes.",
            again,
        ),
    };
    Message { title, body, action }.with(status)
}
