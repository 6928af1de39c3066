//! The address: typed, written to, confirmed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ctx::Ctx;
use crate::domain::user::{EmailAddress, NotAnAddress, UserId};
use crate::store::links::ConfirmLink;
use crate::store::outbox::Kind;
use crate::store::{Sealer, StoreError, Tx, links, outbox, people};

/// Letters that ask to confirm an address, to one person in an hour: nobody shall use Dropday to
/// fill somebody else's inbox.
const CONFIRM_LETTERS_AN_HOUR: u64 = 5;

/// Why an address was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error(transparent)]
    Malformed(#[from] NotAnAddress),
    /// Too many were typed lately.
    #[error(
        "That is the fifth address within an hour. Please look into the inboxes of the earlier \
         ones, spam folders included, and try again in an hour."
    )]
    TooOften,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a link that confirms an address.
#[derive(Debug)]
pub enum Confirmation {
    /// It is good.
    Good(ConfirmLink),
    /// It was used before.
    Used(ConfirmLink),
    /// It is over, was replaced by a later one, or was never ours.
    Void,
}

/// Takes the address that somebody typed, and owes them the letter that asks to confirm it. Until
/// it is confirmed, news goes where it went before.
///
/// # Errors
/// [`AddressError`], in words for the person.
pub async fn submit(ctx: &Ctx, person: UserId, typed: &str) -> Result<EmailAddress, AddressError> {
    let address = EmailAddress::parse(typed)?;
    let asked = address.clone();
    let is_owed = ctx
        .db
        .write("ask to confirm", move |tx| {
            if outbox::count_lately(tx, person, Kind::Confirm)? >= CONFIRM_LETTERS_AN_HOUR {
                return Ok(false);
            }
            let link = links::make_confirm(tx, person, &asked)?;
            outbox::owe(tx, person, Kind::Confirm, &link.to_string())
        })
        .await?;
    if is_owed { Ok(address) } else { Err(AddressError::TooOften) }
}

/// The path of the page that a link in a letter leads to.
pub fn confirm_path(sealer: &Sealer, link: i64) -> String {
    let signature = URL_SAFE_NO_PAD.encode(sealer.sign(&signed_words(link)));
    format!("/confirm/{link}.{signature}")
}

/// Looks a link up; changes nothing, for link scanners open what they find in letters.
///
/// # Errors
/// [`StoreError`]
pub async fn look_up(ctx: &Ctx, token: &str) -> Result<Confirmation, StoreError> {
    let Some(link) = read_token(ctx.db.sealer(), token) else { return Ok(Confirmation::Void) };
    ctx.db.read("look up link", move |tx| judge(tx, link)).await
}

/// Confirms the address that a link is about: news goes there from now on, beginning with what
/// came out since the person signed in.
///
/// # Errors
/// [`StoreError`]
pub async fn confirm(ctx: &Ctx, token: &str) -> Result<Confirmation, StoreError> {
    let Some(link) = read_token(ctx.db.sealer(), token) else { return Ok(Confirmation::Void) };
    ctx.db
        .write("confirm address", move |tx| {
            let found = judge(tx, link)?;
            if let Confirmation::Good(link) = &found {
                links::mark_used(tx, link.id)?;
                people::set_address(tx, link.person, &link.address)?;
                outbox::owe_news_since_following(tx, link.person)?;
                tracing::info!(person = link.person.0, address = %link.address, "address confirmed");
            }
            Ok(found)
        })
        .await
}

fn judge(tx: &Tx<'_>, link: i64) -> Result<Confirmation, StoreError> {
    Ok(match links::find_confirm(tx, link)? {
        Some(link) if link.used_at.is_some() => Confirmation::Used(link),
        Some(link) if link.expires_at > tx.now() => Confirmation::Good(link),
        _ => Confirmation::Void,
    })
}

fn read_token(sealer: &Sealer, token: &str) -> Option<i64> {
    let (number, signature) = token.split_once('.')?;
    let link = number.parse().ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    sealer.is_signed(&signed_words(link), &signature).then_some(link)
}

/// The purpose is part of what is signed: a link for one thing opens no other.
fn signed_words(link: i64) -> String {
    format!("link/confirm/{link}")
}
