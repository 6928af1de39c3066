//! What an email is made of, as the database has it at the time of sending.

use jiff::Timestamp;
use jiff::civil::Date;

use super::news::{self, Told, Welcomed};
use crate::domain::check_planner;
use crate::domain::consent::{ends_at, reminder_due};
use crate::domain::day_of;
use crate::domain::operator_alert::{AlertDetails, AlertText, OperatorAlert};
use crate::domain::quota;
use crate::domain::user::{Addressee, EmailAddress};
use crate::jobs::consent_reminders;
use crate::store::allowance;
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
    Operator(AlertText),
    Unwanted(&'static str),
}

pub(super) fn gather(
    tx: &Tx<'_>,
    claimed: &Claimed,
    settings: &check_planner::Settings,
) -> Result<Facts, StoreError> {
    let user = match claimed.addressee {
        Addressee::User(user) => user,
        Addressee::Operator => return operator_alert(tx, claimed, settings.calls_per_day),
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

fn operator_alert(tx: &Tx<'_>, claimed: &Claimed, calls_per_day: u32) -> Result<Facts, StoreError> {
    let alert = claimed.subjects.first().and_then(|subject| OperatorAlert::parse(subject));
    let text = match alert {
        None => None,
        Some(alert) => {
            let details = alert_details(tx, claimed, &alert, calls_per_day)?;
            details.map(|details| alert.text(&details))
        }
    };
    Ok(text.map_or(Facts::Unwanted("the problem is over"), Facts::Operator))
}

/// `None` if there is nothing left to report.
fn alert_details(
    tx: &Tx<'_>,
    claimed: &Claimed,
    alert: &OperatorAlert,
    calls_per_day: u32,
) -> Result<Option<AlertDetails>, StoreError> {
    let details = AlertDetails::default();
    Ok(match alert {
        OperatorAlert::MassRefusal => {
            let count = consents::count_held(tx)?;
            (count > 0).then_some(AlertDetails { count, ..details })
        }
        OperatorAlert::NotOnAllowList(user) => users::find(tx, *user)?.map(|user| {
            let users = vec![(user.display_name, user.spotify_id)];
            AlertDetails { users, ..details }
        }),
        OperatorAlert::AccessRequests => {
            let requests = callers::tell_in(tx, claimed.email, claimed.is_repeat)?;
            let user = |request: Caller| (request.name, request.address.as_str().to_owned());
            let users: Vec<_> = requests.into_iter().map(user).collect();
            let count = users.len() as u64;
            (count > 0).then_some(AlertDetails { count, users, ..details })
        }
        OperatorAlert::QuotaExhausted(bucket) => {
            allowance::lock_out(tx, *bucket)?.map(|lockout| AlertDetails {
                until: Some(lockout.until),
                calls_per_day,
                lower_limit: quota::lower(calls_per_day, lockout.spent),
                ..details
            })
        }
        OperatorAlert::MailRejected => {
            outbox::words_of(tx, claimed.email)?.map(|reason| AlertDetails { reason, ..details })
        }
        OperatorAlert::DiskNearlyFull => tx
            .room()
            .filter(|disk| disk.is_nearly_full())
            .map(|disk| AlertDetails { disk: Some(disk), ..details }),
        _ => Some(details),
    })
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
