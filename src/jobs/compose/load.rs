//! Loads what an email says, at the time when it is sent.

use jiff::Timestamp;
use jiff::civil::Date;

use super::news::{self, NewsData};
use super::{Loaded, NoLongerNeeded};
use crate::domain::check_planner;
use crate::domain::consent::{ends_at, reminder_due};
use crate::domain::day_of;
use crate::domain::disk_space::DiskSpace;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::quota::Bucket;
use crate::domain::user::{Addressee, EmailAddress};
use crate::jobs::consent_reminders;
use crate::store::access_requests::{self, AccessRequest};
use crate::store::allowance::{self, LockOut};
use crate::store::confirmation_links::{self, ConfirmationLink};
use crate::store::goodbye_emails::{self, PendingGoodbye};
use crate::store::outbox::{Claimed, EmailKind};
use crate::store::users::{self, User};
use crate::store::{Tx, consents, outbox};

/// The contents of an email.
pub(super) enum Facts {
    Confirm(User, ConfirmationLink),
    Welcome(NewsData),
    News(NewsData),
    SignInAgain,
    /// With the day on which everything is deleted.
    Withdrawn(Date),
    /// With the day on which the consent ends.
    ConsentEnds(Date),
    Goodbye(PendingGoodbye),
    Operator(Known),
}

/// What is known of a matter of the operator's.
pub(super) enum Known {
    MassRefusal(u64),
    NoPremium,
    NotOnAllowList(Box<User>),
    AccessRequests(Vec<AccessRequest>),
    EndpointRemoved(Bucket),
    QuotaSpent(LockOut),
    MailRefused(String),
    DiskNearlyFull(DiskSpace),
}

impl Known {
    /// Who asks to be entered at Spotify, where it is about them.
    pub(super) fn access_requests(&self) -> &[AccessRequest] {
        if let Self::AccessRequests(access_requests) = self { access_requests } else { &[] }
    }
}

/// The recipient and the contents. `operator` is the operator's address, if one is configured.
pub(super) fn load(
    tx: &Tx<'_>,
    claimed: &Claimed,
    settings: &check_planner::Settings,
    operator: Option<EmailAddress>,
) -> Loaded<(EmailAddress, Facts)> {
    let user = match claimed.addressee {
        Addressee::User(user) => users::find(tx, user)?,
        Addressee::Operator => {
            let Some(to) = operator else {
                return Ok(Err("no operator is named in the configuration any more"));
            };
            return Ok(alert(tx, claimed)?.map(|known| (to, Facts::Operator(known))));
        }
        Addressee::Left => return goodbye(tx, claimed),
    };
    let Some(user) = user else { return Ok(Err("the person has left")) };
    if claimed.kind == EmailKind::Confirm {
        return confirm(tx, claimed, user);
    }
    let Some(to) = user.address.clone() else { return Ok(Err("no address is confirmed")) };
    let facts = match claimed.kind {
        EmailKind::Welcome => news::load_welcome(tx, user, settings)?.map(Facts::Welcome),
        EmailKind::News => news::load(tx, claimed, user, settings)?.map(Facts::News),
        EmailKind::Sample => news::load_sample(tx, user, settings)?.map(Facts::News),
        EmailKind::SignInAgain => sign_in_again(&user),
        EmailKind::ConsentEnds => consent_ends(claimed, &user, tx.now()),
        EmailKind::Confirm | EmailKind::Operator | EmailKind::Goodbye => {
            Err("it is not addressed to a user")
        }
    };
    Ok(facts.map(|facts| (to, facts)))
}

fn sign_in_again(user: &User) -> Result<Facts, NoLongerNeeded> {
    match user.deleted_at {
        _ if !user.must_sign_in => Err("the person has signed in again"),
        Some(at) => Ok(Facts::Withdrawn(day_of(at))),
        None => Ok(Facts::SignInAgain),
    }
}

/// A reminder is not sent late if the next one or a sign-in has overtaken it.
fn consent_ends(claimed: &Claimed, user: &User, now: Timestamp) -> Result<Facts, NoLongerNeeded> {
    let given_at = user.authorized_at.ok_or("the permission has ended")?;
    let due = reminder_due(given_at, now)
        .map(|due| consent_reminders::subject(given_at.as_millisecond(), due));
    if due.is_none() || claimed.subjects.first() != due.as_ref() {
        return Err("the person has signed in again, or a later letter says it");
    }
    Ok(Facts::ConsentEnds(day_of(ends_at(given_at))))
}

fn goodbye(tx: &Tx<'_>, claimed: &Claimed) -> Loaded<(EmailAddress, Facts)> {
    let goodbye = match subject_number(claimed) {
        Some(number) => goodbye_emails::find(tx, number)?,
        None => None,
    };
    let goodbye = goodbye.ok_or("nobody knows any more whom it was for");
    Ok(goodbye.map(|goodbye| (goodbye.address.clone(), Facts::Goodbye(goodbye))))
}

fn alert(tx: &Tx<'_>, claimed: &Claimed) -> Loaded<Known> {
    let alert = claimed.subjects.first().and_then(|subject| OperatorAlert::parse(subject));
    let known = match alert {
        None => None,
        Some(OperatorAlert::MassRefusal) => {
            Some(consents::count_held(tx)?).filter(|held| *held > 0).map(Known::MassRefusal)
        }
        Some(OperatorAlert::NoPremium) => Some(Known::NoPremium),
        Some(OperatorAlert::NotOnAllowList(user)) => {
            users::find(tx, user)?.map(Box::new).map(Known::NotOnAllowList)
        }
        Some(OperatorAlert::AccessRequests) => {
            let access_requests =
                access_requests::record_alert(tx, claimed.email, claimed.is_repeat)?;
            Some(access_requests)
                .filter(|access_requests| !access_requests.is_empty())
                .map(Known::AccessRequests)
        }
        Some(OperatorAlert::EndpointRemoved(bucket)) => Some(Known::EndpointRemoved(bucket)),
        Some(OperatorAlert::QuotaSpent) => {
            allowance::lock_out(tx, Bucket::ArtistAlbums)?.map(Known::QuotaSpent)
        }
        Some(OperatorAlert::MailRefused) => {
            outbox::words_of(tx, claimed.email)?.map(Known::MailRefused)
        }
        Some(OperatorAlert::DiskNearlyFull) => {
            tx.disk_space().filter(|room| room.is_nearly_full()).map(Known::DiskNearlyFull)
        }
    };
    Ok(known.ok_or("what it was about is over or no longer known"))
}

fn confirm(tx: &Tx<'_>, claimed: &Claimed, user: User) -> Loaded<(EmailAddress, Facts)> {
    let link = match subject_number(claimed) {
        Some(number) => {
            confirmation_links::find_confirm(tx, number)?.filter(|link| link.expires_at > tx.now())
        }
        None => None,
    };
    let to = link.as_ref().and_then(|link| link.address.clone());
    Ok(match (to, link) {
        (Some(to), Some(link)) => Ok((to, Facts::Confirm(user, link))),
        _ => Err("the link is used, over or replaced"),
    })
}

/// The row that an email is about, if its subject is the number of one.
fn subject_number(claimed: &Claimed) -> Option<i64> {
    claimed.subjects.first()?.parse().ok()
}
