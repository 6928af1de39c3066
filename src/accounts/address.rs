//! A user's email address: submit it, confirm it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::context::Ctx;
use crate::domain::user::{EmailAddress, NotAnAddress, UserId};
use crate::store::confirmation_links::ConfirmationLink;
use crate::store::outbox::EmailKind;
use crate::store::users::User;
use crate::store::{Cipher, StoreError, Tx, confirmation_links, outbox, users};

/// Confirmation emails per user and hour, so that nobody can use Dropday to flood an inbox.
const CONFIRM_EMAILS_AN_HOUR: u64 = 5;

/// The subject of the welcome email. It is constant, so a user gets only one.
const FIRST: &str = "first";

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error(transparent)]
    Malformed(#[from] NotAnAddress),
    #[error(
        "You’ve asked for five confirmation emails within an hour. Please check those inboxes, \
         including spam, and try again in an hour."
    )]
    TooOften,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state of a confirmation link.
#[derive(Debug)]
pub enum Confirmation {
    /// Valid, for this address.
    Good(EmailAddress),
    Used,
    /// Expired, replaced by a later one, or forged.
    Void,
}

/// Enqueues an email that asks to confirm the address. Until it is confirmed, news goes to the previous
/// address.
pub async fn submit(ctx: &Ctx, user: UserId, typed: &str) -> Result<EmailAddress, AddressError> {
    let address = EmailAddress::parse(typed)?;
    let asked = address.clone();
    let is_pending = ctx
        .db
        .write("request confirmation", move |tx| {
            let who = users::find(tx, user)?;
            let is_good =
                |who: &User| who.address.as_ref() == Some(&asked) && who.bouncing_since.is_none();
            if who.as_ref().is_some_and(is_good) {
                confirmation_links::forget_awaiting(tx, user)?;
                return Ok(true);
            }
            if outbox::count_lately(tx, user, EmailKind::Confirm)? >= CONFIRM_EMAILS_AN_HOUR {
                return Ok(false);
            }
            let link = confirmation_links::make_confirm(tx, user, &asked)?;
            outbox::enqueue(tx, user, EmailKind::Confirm, &link.to_string())
        })
        .await?;
    if is_pending { Ok(address) } else { Err(AddressError::TooOften) }
}

/// The path of the confirmation page.
pub fn confirm_path(cipher: &Cipher, link: &ConfirmationLink) -> String {
    let signature = URL_SAFE_NO_PAD.encode(cipher.sign(&signing_payload(link)));
    format!("/confirm/{}.{signature}", link.id)
}

/// Looks a link up without changing anything: link scanners open the links in emails.
pub async fn look_up(ctx: &Ctx, token: &str) -> Result<Confirmation, StoreError> {
    let Some(token) = Token::read(token) else { return Ok(Confirmation::Void) };
    let db = ctx.db.clone();
    ctx.db.read("find email link", move |tx| Ok(evaluate(tx, db.cipher(), &token)?.0)).await
}

/// Confirms the address of a link. News goes there from now on, starting with what came out since the user
/// followed the artist.
pub async fn confirm(ctx: &Ctx, token: &str) -> Result<Confirmation, StoreError> {
    let Some(token) = Token::read(token) else { return Ok(Confirmation::Void) };
    let db = ctx.db.clone();
    ctx.db
        .write("confirm address", move |tx| {
            let (confirmation, link) = evaluate(tx, db.cipher(), &token)?;
            if let (Confirmation::Good(address), Some(link)) = (&confirmation, link) {
                confirmation_links::mark_used(tx, link.id)?;
                take(tx, link.user, address)?;
                tracing::info!(user = link.user.0, %address, "address confirmed");
            }
            Ok(confirmation)
        })
        .await
}

/// Confirms an address on the admin's command. Pending confirmation links become invalid.
pub async fn confirm_as_admin(
    ctx: &Ctx,
    user: UserId,
    address: &EmailAddress,
) -> Result<(), StoreError> {
    let confirmed = address.clone();
    ctx.db
        .write("confirm address", move |tx| {
            confirmation_links::forget_awaiting(tx, user)?;
            take(tx, user, &confirmed)
        })
        .await?;
    tracing::info!(user = user.0, %address, "admin confirmed address");
    Ok(())
}

fn take(tx: &Tx<'_>, user: UserId, address: &EmailAddress) -> Result<(), StoreError> {
    users::set_address(tx, user, address)?;
    outbox::enqueue(tx, user, EmailKind::Welcome, FIRST)?;
    outbox::enqueue_refused_again(tx, user)?;
    outbox::enqueue_news_since_following(tx, user)?;
    Ok(())
}

struct Token {
    link: i64,
    signature: Vec<u8>,
}

impl Token {
    fn read(token: &str) -> Option<Self> {
        let (number, signature) = token.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { link: number.parse().ok()?, signature })
    }
}

fn evaluate(
    tx: &Tx<'_>,
    cipher: &Cipher,
    token: &Token,
) -> Result<(Confirmation, Option<ConfirmationLink>), StoreError> {
    let link = confirmation_links::find_confirm(tx, token.link)?;
    let link = link.filter(|link| cipher.is_signed(&signing_payload(link), &token.signature));
    let confirmation = match &link {
        None => Confirmation::Void,
        Some(ConfirmationLink { address: None, .. }) => Confirmation::Used,
        Some(link) if link.expires_at <= tx.now() => Confirmation::Void,
        Some(ConfirmationLink { address: Some(address), .. }) => {
            Confirmation::Good(address.clone())
        }
    };
    Ok((confirmation, link))
}

/// The payload names the purpose, so that a link is good for one thing only, and the user and expiry, so that
/// a link issued before a database was restored is not valid for another row.
fn signing_payload(link: &ConfirmationLink) -> String {
    format!("link/confirm/{}/{}/{}", link.id, link.user.0, link.expires_at.as_millisecond())
}
