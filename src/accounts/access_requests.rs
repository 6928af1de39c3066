//! Access requests of users who are not on the Spotify app's allow-list.
//!
//! A request needs a signed proof that Spotify has just rejected the sender, so that nobody else can fill the
//! list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::secret;
use crate::context::Ctx;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::text::one_line;
use crate::domain::user::{EmailAddress, NotAnAddress};
use crate::gateway::Operator;
use crate::store::access_requests::{self, Recorded};
use crate::store::{StoreError, Tx};

/// How long a proof is valid. It is good for one row, however often its form is sent.
const TTL: SignedDuration = SignedDuration::from_hours(1);

/// In characters, the limit of Spotify's dashboard.
const MAX_NAME_LENGTH: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum AccessRequestError {
    #[error("the form has expired or its proof is invalid")]
    NoProof,
    #[error("Enter your name, at most 100 characters.")]
    Name,
    #[error("Enter the email address of your Spotify account.")]
    NoAddress,
    #[error(transparent)]
    Address(NotAnAddress),
    #[error("the list of access requests is full")]
    Full,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A proof for a user who was just rejected by Spotify.
pub(super) fn proof(ctx: &Ctx) -> String {
    let nonce = secret::new(&*ctx.rng);
    let until = (ctx.clock.now() + TTL).as_millisecond();
    let signature = ctx.db.cipher().sign(&signing_payload(until, &nonce));
    format!("{until}.{nonce}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Records an access request. The operator gets at most one email a day about requests.
pub async fn ask(
    ctx: &Ctx,
    proof: &str,
    name: &str,
    address: &str,
) -> Result<(), AccessRequestError> {
    let proof = read(ctx, proof).ok_or(AccessRequestError::NoProof)?;
    let name = one_line(name);
    if name.is_empty() || name.chars().count() > MAX_NAME_LENGTH {
        return Err(AccessRequestError::Name);
    }
    let address = EmailAddress::parse(address).map_err(|why| match why {
        NotAnAddress::Empty => AccessRequestError::NoAddress,
        why => AccessRequestError::Address(why),
    })?;
    let operator = Operator::at(ctx.operator.as_ref());
    let note = move |tx: &Tx<'_>| {
        let noted = access_requests::note(tx, proof, &name, &address)?;
        operator.enqueue_alert(tx, OperatorAlert::AccessRequests)?;
        Ok(noted)
    };
    match ctx.db.write("record access request", note).await? {
        Recorded::Yes => Ok(()),
        Recorded::Full => Err(AccessRequestError::Full),
    }
}

/// Deletes an access request.
pub async fn forget(ctx: &Ctx, number: i64) -> Result<(), StoreError> {
    ctx.db.write("delete access request", move |tx| access_requests::forget(tx, number)).await
}

/// The stored hash of a proof, if it is valid.
fn read(ctx: &Ctx, proof: &str) -> Option<[u8; 32]> {
    let (until, rest) = proof.split_once('.')?;
    let (nonce, signature) = rest.split_once('.')?;
    let (until, signature) = (until.parse().ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?);
    let is_over = Timestamp::from_millisecond(until).ok()? <= ctx.clock.now();
    let is_ours = ctx.db.cipher().is_signed(&signing_payload(until, nonce), &signature);
    (is_ours && !is_over).then(|| secret::hash(nonce))
}

/// The payload names the purpose, so that no other signature is valid here.
fn signing_payload(until: i64, nonce: &str) -> String {
    format!("caller/{until}/{nonce}")
}
