//! Links in emails that work without a sign-in: unsubscribe, and mute an artist. Each is good for one action
//! of one user, and opening it changes nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::user::UserId;
use crate::store::{Cipher, StoreError, Tx, artists, preferences, users};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Unsubscribe,
    Mute(ArtistId),
}

/// What a valid link does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    Unsubscribe,
    /// Mutes the artist with this name.
    Mute(String),
}

/// The path of a link's page. It does not expire while the account exists, since emails may be opened late.
pub fn path(cipher: &Cipher, user: UserId, since: Timestamp, purpose: &Purpose) -> String {
    let signature = URL_SAFE_NO_PAD.encode(cipher.sign(&signing_payload(user, since, purpose)));
    match purpose {
        Purpose::Unsubscribe => format!("/unsubscribe/{}.{signature}", user.0),
        Purpose::Mute(artist) => format!("/mute/{}.{artist}.{signature}", user.0),
    }
}

/// Looks a link up without changing anything: link scanners open the links in emails. `None` if it is forged
/// or the account is gone.
pub async fn look_up(ctx: &Ctx, token: Token) -> Result<Option<Link>, StoreError> {
    let db = ctx.db.clone();
    ctx.db.read("find email link", move |tx| evaluate(tx, db.cipher(), &token)).await
}

/// Does what the link is for. Idempotent.
pub async fn act(ctx: &Ctx, token: Token) -> Result<Option<Link>, StoreError> {
    let db = ctx.db.clone();
    let user = token.user;
    let done = ctx
        .db
        .write("use email link", move |tx| {
            let Some(link) = evaluate(tx, db.cipher(), &token)? else { return Ok(None) };
            match &token.purpose {
                Purpose::Unsubscribe => preferences::unsubscribe(tx, token.user)?,
                Purpose::Mute(artist) => preferences::mute(tx, token.user, artist)?,
            }
            Ok(Some(link))
        })
        .await?;
    if done == Some(Link::Unsubscribe) {
        tracing::info!(user = user.0, "unsubscribed with a link");
    }
    Ok(done)
}

/// The parsed token of a link.
#[derive(Clone)]
pub struct Token {
    user: UserId,
    purpose: Purpose,
    signature: Vec<u8>,
}

impl Token {
    /// Parses the last part of `/unsubscribe/…`.
    pub fn unsubscribe(raw: &str) -> Option<Self> {
        let (user, signature) = raw.split_once('.')?;
        Self::read(user, Purpose::Unsubscribe, signature)
    }

    /// Parses the last part of `/mute/…`.
    pub fn mute(raw: &str) -> Option<Self> {
        let (user, rest) = raw.split_once('.')?;
        let (artist, signature) = rest.split_once('.')?;
        Self::read(user, Purpose::Mute(ArtistId::parse(artist)?), signature)
    }

    fn read(user: &str, purpose: Purpose, signature: &str) -> Option<Self> {
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { user: UserId(user.parse().ok()?), purpose, signature })
    }
}

fn evaluate(tx: &Tx<'_>, cipher: &Cipher, token: &Token) -> Result<Option<Link>, StoreError> {
    let Some(user) = users::find(tx, token.user)? else { return Ok(None) };
    let words = signing_payload(user.id, user.created_at, &token.purpose);
    if !cipher.is_signed(&words, &token.signature) {
        return Ok(None);
    }
    match &token.purpose {
        Purpose::Unsubscribe => Ok(Some(Link::Unsubscribe)),
        Purpose::Mute(artist) => Ok(artists::name_of(tx, artist)?.map(Link::Mute)),
    }
}

/// The payload names the purpose, so that a link is good for one thing only, and when the user signed up, so
/// that a link issued before a database was restored is not valid for another user.
fn signing_payload(user: UserId, since: Timestamp, purpose: &Purpose) -> String {
    let since = since.as_millisecond();
    match purpose {
        Purpose::Unsubscribe => format!("link/unsubscribe/{}/{since}", user.0),
        Purpose::Mute(artist) => format!("link/mute/{}/{since}/{artist}", user.0),
    }
}
