//! Composes an email from its outbox rows.

mod load;
mod news;

use jiff::Timestamp;

use self::load::{EmailData, load};
use crate::accounts::address;
use crate::accounts::email_links::{self, Purpose};
use crate::context::Ctx;
use crate::domain::user::EmailAddress;
use crate::email::message::{Email, RenderError};
use crate::email::messages::confirm::Confirm;
use crate::email::messages::consent_ends::ConsentEnds;
use crate::email::messages::goodbye::Goodbye;
use crate::email::messages::operator::OperatorEmail;
use crate::email::messages::sign_in_again::SignInAgain;
use crate::email::messages::withdrawn::Withdrawn;
use crate::store::StoreError;
use crate::store::confirmation_links::ConfirmationLink;
use crate::store::outbox::Claimed;
use crate::store::users::User;

/// Why an email is no longer needed, as stored in the database.
type NoLongerNeeded = &'static str;

/// The data of an email, unless it is no longer needed.
type Loaded<T> = Result<Result<T, NoLongerNeeded>, StoreError>;

/// Why an email was not composed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error("{0}")]
    NoLongerNeeded(NoLongerNeeded),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

pub(super) async fn compose(
    ctx: &Ctx,
    claimed: &Claimed,
) -> Result<(EmailAddress, Email), ComposeError> {
    let (wanted, settings) = (claimed.clone(), ctx.cadence.clone());
    let operator = ctx.operator.clone();
    let loaded =
        ctx.db.write("load email", move |tx| load(tx, &wanted, &settings, operator)).await?;
    let (to, data) = loaded.map_err(ComposeError::NoLongerNeeded)?;
    Ok((to, write(ctx, &data)?))
}

fn write(ctx: &Ctx, data: &EmailData) -> Result<Email, RenderError> {
    let link = &ctx.url("/login");
    match data {
        EmailData::Confirm(user, link) => confirm(ctx, user, link),
        EmailData::Welcome(data) => news::welcome(ctx, data),
        EmailData::News(data) => news::email(ctx, data),
        EmailData::SignInAgain => SignInAgain { link }.email(),
        EmailData::Withdrawn(deleted_on) => {
            let account_url = &ctx.url("/account");
            Withdrawn { link, account_url, deleted_on: *deleted_on }.email()
        }
        EmailData::ConsentEnds(ends_on) => ConsentEnds { link, ends_on: *ends_on }.email(),
        EmailData::Goodbye(goodbye) => {
            let listed_at_spotify = !goodbye.has_withdrawn;
            let instance_url = &ctx.url("/");
            Goodbye { instance_url, artists: goodbye.artists, listed_at_spotify }.email()
        }
        EmailData::Operator(alert) => {
            OperatorEmail { alert: alert.clone(), instance_url: &ctx.url("/") }.email()
        }
    }
}

/// A link that acts on behalf of this user.
fn link(ctx: &Ctx, user: &User, purpose: &Purpose) -> String {
    ctx.url(&email_links::path(ctx.db.cipher(), user.id, user.created_at, purpose))
}

fn confirm(ctx: &Ctx, user: &User, link: &ConfirmationLink) -> Result<Email, RenderError> {
    let email = Confirm {
        link: &ctx.url(&address::confirm_path(ctx.db.cipher(), link)),
        account: &user.display_name,
        instance_url: &ctx.url("/"),
        expires_in: &hours_left(link, ctx.clock.now()),
    };
    email.email()
}

/// How long the link is valid, in words.
fn hours_left(link: &ConfirmationLink, now: Timestamp) -> String {
    match link.expires_at.duration_since(now).as_hours() {
        47.. => "two days".to_owned(),
        hours @ 2.. => format!("{hours} hours"),
        _ => "an hour".to_owned(),
    }
}
