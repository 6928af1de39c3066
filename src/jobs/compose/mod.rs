//! What is owed → the email that tells it.

mod load;
mod news;

use jiff::Timestamp;

use self::load::{Facts, Known, gather};
use crate::accounts::address;
use crate::accounts::email_links::{self, Purpose};
use crate::context::Ctx;
use crate::domain::quota;
use crate::domain::user::EmailAddress;
use crate::email::message::{Email, RenderError};
use crate::email::messages::confirm::Confirm;
use crate::email::messages::consent_ends::ConsentEnds;
use crate::email::messages::good_bye::GoodBye;
use crate::email::messages::operator::{ToOperator, Trouble};
use crate::email::messages::sign_in_again::SignInAgain;
use crate::email::messages::withdrawn::Withdrawn;
use crate::store::StoreError;
use crate::store::links::ConfirmLink;
use crate::store::outbox::Claimed;
use crate::store::users::User;

/// What became of an email that was owed.
pub(super) enum Composed {
    /// To be sent.
    Ready(EmailAddress, Email),
    /// No longer wanted, for this reason.
    Unwanted(&'static str),
}

/// Why an email could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

pub(super) async fn compose(ctx: &Ctx, claimed: &Claimed) -> Result<Composed, ComposeError> {
    let (wanted, settings) = (claimed.clone(), ctx.cadence.clone());
    let facts = ctx.db.write("what is owed", move |tx| gather(tx, &wanted, &settings)).await?;
    Ok(match facts {
        Facts::Unwanted(why) => Composed::Unwanted(why),
        Facts::Confirm(user, link, to) => Composed::Ready(to, confirm(ctx, &user, &link)?),
        Facts::Welcome(to, welcome) => Composed::Ready(to, news::welcome(ctx, &welcome)?),
        Facts::News(to, told) => Composed::Ready(to, news::email(ctx, &told)?),
        Facts::SignInAgain(to) => {
            Composed::Ready(to, SignInAgain { link: &ctx.page("/login") }.email()?)
        }
        Facts::Withdrawn(to, deleted_on) => {
            let (link, account_url) = (&ctx.page("/login"), &ctx.page("/account"));
            Composed::Ready(to, Withdrawn { link, account_url, deleted_on }.email()?)
        }
        Facts::ConsentEnds(to, ends_on) => {
            Composed::Ready(to, ConsentEnds { link: &ctx.page("/login"), ends_on }.email()?)
        }
        Facts::GoodBye(farewell) => {
            let (instance_url, artists) = (&ctx.page("/"), farewell.artists);
            let listed_at_spotify = !farewell.has_withdrawn;
            let email = GoodBye { instance_url, artists, listed_at_spotify }.email()?;
            Composed::Ready(farewell.address, email)
        }
        Facts::Operator(known) => match ctx.operator.clone() {
            None => Composed::Unwanted("no operator is named in the configuration any more"),
            Some(to) => Composed::Ready(to, to_operator(ctx, &known)?),
        },
    })
}

/// Where a link in an email to this user leads.
fn link(ctx: &Ctx, user: &User, purpose: &Purpose) -> String {
    ctx.page(&email_links::path(ctx.db.sealer(), user.id, user.created_at, purpose))
}

fn confirm(ctx: &Ctx, user: &User, link: &ConfirmLink) -> Result<Email, RenderError> {
    let email = Confirm {
        link: &ctx.page(&address::confirm_path(ctx.db.sealer(), link)),
        account: &user.display_name,
        instance_url: &ctx.page("/"),
        expires_in: &hours_left(link, ctx.clock.now()),
    };
    email.email()
}

/// How long a link still works, in words.
fn hours_left(link: &ConfirmLink, now: Timestamp) -> String {
    match link.expires_at.duration_since(now).as_hours() {
        47.. => "two days".to_owned(),
        hours @ 2.. => format!("{hours} hours"),
        _ => "an hour".to_owned(),
    }
}

fn to_operator(ctx: &Ctx, known: &Known) -> Result<Email, RenderError> {
    let per_day = ctx.cadence.calls_per_day;
    let named: Vec<_> =
        known.callers().iter().map(|who| (&*who.name, who.address.as_str())).collect();
    let trouble = match known {
        Known::MassRefusal(users) => Trouble::MassRefusal { users: *users },
        Known::NoPremium => Trouble::NoPremium,
        Known::NotOnAllowList(user) => {
            Trouble::NotOnAllowList { name: &user.display_name, spotify_id: &user.spotify_id }
        }
        Known::Callers(_) => Trouble::Callers { who: &named },
        Known::EndpointRemoved(calls) => Trouble::EndpointRemoved { calls: *calls },
        Known::QuotaSpent(lock_out) => Trouble::QuotaSpent {
            until: lock_out.until,
            per_day,
            lower: quota::lower(per_day, lock_out.spent),
        },
        Known::MailRefused(said) => Trouble::MailRefused { said },
        Known::DiskNearlyFull(room) => Trouble::DiskNearlyFull { free_mb: room.free / 1_000_000 },
    };
    ToOperator { trouble, instance_url: &ctx.page("/") }.email()
}
