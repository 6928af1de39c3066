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
    let front = Some(("To the front page", "/"));
    let (status, title, body, action) = match error {
        SignInError::MissingParameter => (
            StatusCode::BAD_REQUEST,
            "This page is where Spotify sends you back to",
            "It was opened without what Spotify adds to the address. Please begin here.",
            again,
        ),
        SignInError::StateExpiredOrUsed => (
            StatusCode::BAD_REQUEST,
            "This sign-in is over",
            "It was finished before, or it took longer than ten minutes. Nothing was changed. \
             Please connect once more.",
            again,
        ),
        SignInError::StateMismatch => (
            StatusCode::BAD_REQUEST,
            "This sign-in began in another browser",
            "For your safety it can only be finished in the browser where it began, with cookies \
             allowed. Nothing was changed. Please connect once more, here.",
            again,
        ),
        SignInError::Refused => (
            StatusCode::FORBIDDEN,
            "You are not connected",
            "You did not agree at Spotify, so Dropday may not see which artists you follow. Nothing \
             was changed. If that was a slip, connect again.",
            again,
        ),
        SignInError::ProviderError => (
            StatusCode::BAD_GATEWAY,
            "Spotify did not finish the sign-in",
            "It sent you back before you could agree. Please try again in a few minutes; if it stays \
             like this, tell whoever runs this Dropday.",
            again,
        ),
        SignInError::CodeUsed => (
            StatusCode::BAD_REQUEST,
            "Spotify has taken this sign-in already",
            "Its code was used before, or came too late. Please connect once more.",
            again,
        ),
        SignInError::NoRefreshToken => (
            StatusCode::BAD_GATEWAY,
            "Spotify's answer was incomplete",
            "It gave no lasting permission, so nothing could be watched for you. Please connect once \
             more; if it stays like this, tell whoever runs this Dropday.",
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
            "This Dropday takes nobody new at present",
            "Nothing of you is kept here. If you were here before, connect with the same Spotify account as \
             then. You can remove the app from your account at spotify.com/account/apps.",
        ),
        SignUpDenied::InvitationRequired => (
            "This Dropday is by invitation",
            "Nothing of you is kept here. If you have an invitation, open its link and connect from there; else \
             ask whoever runs this Dropday for one. If you were here before, connect with the same Spotify \
             account as then. You can remove the app from your account at spotify.com/account/apps.",
        ),
        SignUpDenied::InvitationInvalid => (
            "This invitation is not good any more",
            "It lets one person in, and was used already, is over, or was withdrawn. Nothing of you is kept here. \
             Ask whoever runs this Dropday for another one. You can remove the app from your account at \
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
            "The owner of the app needs an active Spotify Premium subscription. Please tell whoever \
             runs this Dropday. After they have subscribed it can take a few hours until Spotify lets \
             people in again.",
            front,
        ),
        GatewayError::Spotify(E::InvalidClient) => (
            StatusCode::BAD_GATEWAY,
            "Spotify does not accept this Dropday",
            "Its client id, client secret or redirect address does not match what is registered at \
             Spotify. Please tell whoever runs this Dropday: dropday check says more.",
            front,
        ),
        GatewayError::Paused(_)
        | GatewayError::QueueFull
        | GatewayError::Spotify(E::RateLimited { .. } | E::QuotaExceeded { .. }) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Spotify asked us to wait",
            "Too many questions were asked in a short time. Nothing is wrong with your account. Please \
             connect again later.",
            again,
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "Spotify did not answer as it should",
            "Nothing was changed. Please try again in a few minutes.",
            again,
        ),
    };
    Message { title, body, action }.with(status)
}
