//! What an email is made of, as the database has it at the time of sending.

use jiff::Timestamp;
use jiff::civil::Date;

use super::news::{self, Told, Welcomed};
use crate::domain::check_planner;
use crate::domain::consent::{ends_at, reminder_due};
use crate::domain::day_of;
use crate::domain::disk_space::DiskSpace;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::quota::Bucket;
use crate::domain::user::{Addressee, EmailAddress};
use crate::jobs::consent_reminders;
use crate::store::allowance::{self, LockOut};
use crate::store::callers::{self, Caller};
use crate::store::farewells::{self, Farewell};
use crate::store::links::{self, ConfirmLink};
use crate::store::outbox::{Claimed, Kind};
use crate::store::users::{self, User};
use crate::store::{StoreError, Tx, consents, outbox};

/// What an email is made of.
pub(super) enum Facts {
    Confirm(User, ConfirmLink, EmailAddress),
    Welcome(EmailAddress, Welcomed),
    News(EmailAddress, Told),
    SignInAgain(EmailAddress),
    Withdrawn(EmailAddress, Date),
    ConsentEnds(EmailAddress, Date),
    GoodBye(Farewell),
    Operator(Known),
    Unwanted(&'static str),
}

/// What is known of a matter of the operator's.
pub(super) enum Known {
    MassRefusal(u64),
    NoPremium,
    NotOnAllowList(Box<User>),
    Callers(Vec<Caller>),
    EndpointRemoved(Bucket),
    QuotaSpent(LockOut),
    MailRefused(String),
    DiskNearlyFull(DiskSpace),
}

impl Known {
    /// Who asks to be entered at Spotify, where it is about them.
    pub(super) fn callers(&self) -> &[Caller] {
        if let Self::Callers(callers) = self { callers } else { &[] }
    }
}

pub(super) fn gather(
    tx: &Tx<'_>,
    claimed: &Claimed,
    settings: &check_planner::Settings,
) -> Result<Facts, StoreError> {
    let user = match claimed.addressee {
        Addressee::User(user) => user,
        Addressee::Operator => return alert(tx, claimed),
        Addressee::Left => return good_bye(tx, claimed),
    };
    let Some(user) = users::find(tx, user)? else {
        return Ok(Facts::Unwanted("the person has left"));
    };
    match claimed.kind {
        Kind::Confirm => confirm(tx, claimed, user),
        Kind::Welcome => news::gather_welcome(tx, user, settings),
        Kind::News => news::gather(tx, claimed, user, settings),
        Kind::Sample => news::gather_sample(tx, user, settings),
        Kind::SignInAgain if !user.must_sign_in => {
            Ok(Facts::Unwanted("the person has signed in again"))
        }
        Kind::SignInAgain => Ok(match user.deleted_at.map(day_of) {
            Some(day) => to_confirmed(user, |to| Facts::Withdrawn(to, day)),
            None => to_confirmed(user, Facts::SignInAgain),
        }),
        Kind::ConsentEnds => Ok(consent_ends(claimed, user, tx.now())),
        Kind::Operator | Kind::GoodBye => Ok(Facts::Unwanted("it is not addressed to a person")),
    }
}

pub(super) fn to_confirmed(user: User, facts: impl FnOnce(EmailAddress) -> Facts) -> Facts {
    user.address.map_or(Facts::Unwanted("no address is confirmed"), facts)
}

/// A reminder that was overtaken, by the next one or by a sign-in, is not sent late.
fn consent_ends(claimed: &Claimed, user: User, now: Timestamp) -> Facts {
    let Some(given_at) = user.authorized_at else {
        return Facts::Unwanted("the permission has ended");
    };
    let due = reminder_due(given_at, now)
        .map(|due| consent_reminders::subject(given_at.as_millisecond(), due));
    if due.is_none() || claimed.subjects.first() != due.as_ref() {
        return Facts::Unwanted("the person has signed in again, or a later letter says it");
    }
    to_confirmed(user, |to| Facts::ConsentEnds(to, day_of(ends_at(given_at))))
}

fn good_bye(tx: &Tx<'_>, claimed: &Claimed) -> Result<Facts, StoreError> {
    let number = claimed.subjects.first().and_then(|subject| subject.parse().ok());
    let farewell = number.map(|number| farewells::find(tx, number)).transpose()?.flatten();
    Ok(farewell.map_or(Facts::Unwanted("nobody knows any more whom it was for"), Facts::GoodBye))
}

fn alert(tx: &Tx<'_>, claimed: &Claimed) -> Result<Facts, StoreError> {
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
        Some(OperatorAlert::Callers) => {
            let callers = callers::tell_in(tx, claimed.email, claimed.is_repeat)?;
            Some(callers).filter(|callers| !callers.is_empty()).map(Known::Callers)
        }
        Some(OperatorAlert::EndpointRemoved(bucket)) => Some(Known::EndpointRemoved(bucket)),
        Some(OperatorAlert::QuotaSpent) => {
            allowance::lock_out(tx, Bucket::ArtistAlbums)?.map(Known::QuotaSpent)
        }
        Some(OperatorAlert::MailRefused) => {
            outbox::words_of(tx, claimed.email)?.map(Known::MailRefused)
        }
        Some(OperatorAlert::DiskNearlyFull) => {
            tx.room().filter(|room| room.is_nearly_full()).map(Known::DiskNearlyFull)
        }
    };
    Ok(known
        .map_or(Facts::Unwanted("what it was about is over or no longer known"), Facts::Operator))
}

fn confirm(tx: &Tx<'_>, claimed: &Claimed, user: User) -> Result<Facts, StoreError> {
    let number = claimed.subjects.first().and_then(|subject| subject.parse().ok());
    let link = number.map(|number| links::find_confirm(tx, number)).transpose()?.flatten();
    let good = link.filter(|link| link.expires_at > tx.now());
    let good = good.and_then(|link| Some((link.address.clone()?, link)));
    Ok(good.map_or(Facts::Unwanted("the link is used, over or replaced"), |(to, link)| {
        Facts::Confirm(user, link, to)
    }))
}
