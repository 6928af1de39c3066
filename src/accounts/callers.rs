//! Users who agreed at Spotify and are not on the app's list there: they may ask the operator, here.
//!
//! Who may ask holds a proof that Spotify has just refused them, which their page carries: nobody else
//! can fill the operator's list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::secret;
use crate::context::Ctx;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::text::one_line;
use crate::domain::user::{EmailAddress, NotAnAddress};
use crate::gateway::Operator;
use crate::store::callers::{self, Noted};
use crate::store::{StoreError, Tx};

/// A proof is good for this long, and for one row, however often its form is sent.
const TTL: SignedDuration = SignedDuration::from_hours(1);

/// Characters of a name; Spotify's dashboard takes no more either.
const MAX_NAME_LENGTH: usize = 100;

/// Why somebody was not written down.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The proof is none, or is over.
    #[error("the form is over an hour old, or was not made for this")]
    NoProof,
    /// No name was typed, or too much of one.
    #[error("Please type your name, in at most 100 characters.")]
    Name,
    /// No address was typed.
    #[error("Please type the e-mail address of your Spotify account.")]
    NoAddress,
    /// What was typed is no address.
    #[error(transparent)]
    Address(NotAnAddress),
    /// As many wait as can.
    #[error("as many people wait to be entered as can")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A proof for somebody whom Spotify has just refused.
pub(super) fn proof(ctx: &Ctx) -> String {
    let nonce = secret::new(&*ctx.chance);
    let until = (ctx.clock.now() + TTL).as_millisecond();
    let signature = ctx.db.sealer().sign(&signed_words(until, &nonce));
    format!("{until}.{nonce}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Writes somebody down for the operator, who gets an email: one a day, whoever asks.
///
/// # Errors
/// [`CallerError`]
pub async fn ask(ctx: &Ctx, proof: &str, name: &str, address: &str) -> Result<(), CallerError> {
    let proof = read(ctx, proof).ok_or(CallerError::NoProof)?;
    let name = one_line(name);
    if name.is_empty() || name.chars().count() > MAX_NAME_LENGTH {
        return Err(CallerError::Name);
    }
    let address = EmailAddress::parse(address).map_err(|why| match why {
        NotAnAddress::Empty => CallerError::NoAddress,
        why => CallerError::Address(why),
    })?;
    let operator = Operator::at(ctx.operator.as_ref());
    let note = move |tx: &Tx<'_>| {
        let noted = callers::note(tx, proof, &name, &address)?;
        operator.tell(tx, OperatorAlert::Callers)?;
        Ok(noted)
    };
    match ctx.db.write("ask the operator", note).await? {
        Noted::Yes => Ok(()),
        Noted::Full => Err(CallerError::Full),
    }
}

/// Takes somebody off the operator's list.
///
/// # Errors
/// [`StoreError`]
pub async fn forget(ctx: &Ctx, number: i64) -> Result<(), StoreError> {
    ctx.db.write("forget caller", move |tx| callers::forget(tx, number)).await
}

/// What is kept of a proof that is ours and not over.
fn read(ctx: &Ctx, proof: &str) -> Option<[u8; 32]> {
    let (until, rest) = proof.split_once('.')?;
    let (nonce, signature) = rest.split_once('.')?;
    let (until, signature) = (until.parse().ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?);
    let is_over = Timestamp::from_millisecond(until).ok()? <= ctx.clock.now();
    let is_ours = ctx.db.sealer().is_signed(&signed_words(until, nonce), &signature);
    (is_ours && !is_over).then(|| secret::hash(nonce))
}

/// The purpose is part of what is signed, so that a link for something else proves nothing here.
fn signed_words(until: i64, nonce: &str) -> String {
    format!("caller/{until}/{nonce}")
}
