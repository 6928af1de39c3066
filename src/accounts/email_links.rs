//! Links in emails that act without a sign-in: no more news, and nothing more of an artist. Each
//! opens that one thing for that one user, and looking at it changes nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::user::UserId;
use crate::store::{Sealer, StoreError, Tx, artists, preferences, users};

/// What a link in an email is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// No news any more.
    Unsubscribe,
    /// Nothing more of this artist.
    Mute(ArtistId),
}

/// A link that is ours, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// No news any more.
    Unsubscribe,
    /// Nothing more of the artist of this name.
    Mute(String),
}

/// The path of the page that a link leads to. It is good for as long as the user is here: an email
/// may be opened late.
pub fn path(sealer: &Sealer, user: UserId, since: Timestamp, purpose: &Purpose) -> String {
    let signature = URL_SAFE_NO_PAD.encode(sealer.sign(&signed_words(user, since, purpose)));
    match purpose {
        Purpose::Unsubscribe => format!("/unsubscribe/{}.{signature}", user.0),
        Purpose::Mute(artist) => format!("/mute/{}.{artist}.{signature}", user.0),
    }
}

/// Looks a link up; changes nothing, for link scanners open what they find in emails. `None` where
/// it was never ours, or its user has left.
///
/// # Errors
/// [`StoreError`]
pub async fn look_up(ctx: &Ctx, token: Token) -> Result<Option<Link>, StoreError> {
    let db = ctx.db.clone();
    ctx.db.read("look up link", move |tx| judge(tx, db.sealer(), &token)).await
}

/// Does what the link is for. To do it twice is to do it.
///
/// # Errors
/// [`StoreError`]
pub async fn act(ctx: &Ctx, token: Token) -> Result<Option<Link>, StoreError> {
    let db = ctx.db.clone();
    let user = token.user;
    let done = ctx
        .db
        .write("follow link", move |tx| {
            let Some(link) = judge(tx, db.sealer(), &token)? else { return Ok(None) };
            match &token.purpose {
                Purpose::Unsubscribe => preferences::unsubscribe(tx, token.user)?,
                Purpose::Mute(artist) => preferences::mute(tx, token.user, artist)?,
            }
            Ok(Some(link))
        })
        .await?;
    if done == Some(Link::Unsubscribe) {
        tracing::info!(user = user.0, "wants no news any more, by a link in a letter");
    }
    Ok(done)
}

/// What stands in a link.
#[derive(Clone)]
pub struct Token {
    user: UserId,
    purpose: Purpose,
    signature: Vec<u8>,
}

impl Token {
    /// Reads what stands behind `/unsubscribe/`.
    pub fn unsubscribe(raw: &str) -> Option<Self> {
        let (user, signature) = raw.split_once('.')?;
        Self::read(user, Purpose::Unsubscribe, signature)
    }

    /// Reads what stands behind `/mute/`.
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

fn judge(tx: &Tx<'_>, sealer: &Sealer, token: &Token) -> Result<Option<Link>, StoreError> {
    let Some(user) = users::find(tx, token.user)? else { return Ok(None) };
    let words = signed_words(user.id, user.created_at, &token.purpose);
    if !sealer.is_signed(&words, &token.signature) {
        return Ok(None);
    }
    match &token.purpose {
        Purpose::Unsubscribe => Ok(Some(Link::Unsubscribe)),
        Purpose::Mute(artist) => Ok(artists::name_of(tx, artist)?.map(Link::Mute)),
    }
}

/// The purpose is part of what is signed, so that a link for one thing opens no other; and since
/// when the user is here, so that one from before a database was restored opens nothing.
fn signed_words(user: UserId, since: Timestamp, purpose: &Purpose) -> String {
    let since = since.as_millisecond();
    match purpose {
        Purpose::Unsubscribe => format!("link/unsubscribe/{}/{since}", user.0),
        Purpose::Mute(artist) => format!("link/mute/{}/{since}/{artist}", user.0),
    }
}
