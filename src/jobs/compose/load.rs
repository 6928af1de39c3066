//! Loads what an email says, at the time when it is sent.

use jiff::Timestamp;
use jiff::civil::Date;

use super::news::{self, NewsData};
use super::{Loaded, NoLongerNeeded};
use crate::domain::check_planner;
use crate::domain::consent::{ends_at, reminder_due};
use crate::domain::day_of;
use crate::domain::operator_alert::{AlertDetails, AlertText, OperatorAlert};
use crate::domain::quota;
use crate::domain::user::{Addressee, EmailAddress};
use crate::jobs::consent_reminders;
use crate::store::access_requests::{self, AccessRequest};
use crate::store::api_calls;
use crate::store::confirmation_links::{self, ConfirmationLink};
use crate::store::goodbye_emails::{self, PendingGoodbye};
use crate::store::outbox::{Claimed, EmailKind};
use crate::store::users::{self, User};
use crate::store::{Tx, consents, outbox};

/// The contents of an email.
pub(super) enum EmailData {
    Confirm(User, ConfirmationLink),
    Welcome(NewsData),
    News(NewsData),
    SignInAgain,
    /// With the day on which everything is deleted.
    Withdrawn(Date),
    /// With the day on which the consent ends.
    ConsentEnds(Date),
    Goodbye(PendingGoodbye),
    Operator(AlertText),
}

/// The recipient and the contents. `operator` is the operator's address, if one is configured.
pub(super) fn load(
    tx: &Tx<'_>,
    claimed: &Claimed,
    settings: &check_planner::Settings,
    operator: Option<EmailAddress>,
) -> Loaded<(EmailAddress, EmailData)> {
    let user = match claimed.addressee {
        Addressee::User(user) => users::find(tx, user)?,
        Addressee::Operator => {
            let Some(to) = operator else {
                return Ok(Err("mail.operator is no longer set"));
            };
            let alert = operator_alert(tx, claimed, settings.calls_per_day)?;
            return Ok(alert.map(|alert| (to, EmailData::Operator(alert))));
        }
        Addressee::Left => return goodbye(tx, claimed),
    };
    let Some(user) = user else { return Ok(Err("the user has deleted their account")) };
    if claimed.kind == EmailKind::Confirm {
        return confirm(tx, claimed, user);
    }
    let Some(to) = user.address.clone() else { return Ok(Err("no address is confirmed")) };
    let data = match claimed.kind {
        EmailKind::Welcome => news::load_welcome(tx, user, settings)?.map(EmailData::Welcome),
        EmailKind::News => news::load(tx, claimed, user, settings)?.map(EmailData::News),
        EmailKind::Sample => news::load_sample(tx, user, settings)?.map(EmailData::News),
        EmailKind::SignInAgain => sign_in_again(&user),
        EmailKind::ConsentEnds => consent_ends(claimed, &user, tx.now()),
        EmailKind::Confirm | EmailKind::Operator | EmailKind::Goodbye => {
            Err("it is not addressed to a user")
        }
    };
    Ok(data.map(|data| (to, data)))
}

fn sign_in_again(user: &User) -> Result<EmailData, NoLongerNeeded> {
    match user.deleted_at {
        _ if !user.must_sign_in => Err("the user has signed in again"),
        Some(at) => Ok(EmailData::Withdrawn(day_of(at))),
        None => Ok(EmailData::SignInAgain),
    }
}

/// A reminder is not sent late if the next one or a sign-in has overtaken it.
fn consent_ends(
    claimed: &Claimed,
    user: &User,
    now: Timestamp,
) -> Result<EmailData, NoLongerNeeded> {
    let given_at = user.authorized_at.ok_or("the permission has ended")?;
    let due = reminder_due(given_at, now)
        .map(|due| consent_reminders::subject(given_at.as_millisecond(), due));
    if due.is_none() || claimed.subjects.first() != due.as_ref() {
        return Err("the user has signed in again, or a later reminder replaces this one");
    }
    Ok(EmailData::ConsentEnds(day_of(ends_at(given_at))))
}

fn goodbye(tx: &Tx<'_>, claimed: &Claimed) -> Loaded<(EmailAddress, EmailData)> {
    let goodbye = match subject_number(claimed) {
        Some(number) => goodbye_emails::find(tx, number)?,
        None => None,
    };
    let goodbye = goodbye.ok_or("the recipient is no longer known");
    Ok(goodbye.map(|goodbye| (goodbye.address.clone(), EmailData::Goodbye(goodbye))))
}

fn operator_alert(tx: &Tx<'_>, claimed: &Claimed, calls_per_day: u32) -> Loaded<AlertText> {
    let alert = claimed.subjects.first().and_then(|subject| OperatorAlert::parse(subject));
    let Some(alert) = alert else { return Ok(Err("unknown alert")) };
    let details = alert_details(tx, claimed, &alert, calls_per_day)?;
    Ok(details.map(|details| alert.text(&details)).ok_or("the problem is over"))
}

/// `None` if there is nothing left to report.
fn alert_details(
    tx: &Tx<'_>,
    claimed: &Claimed,
    alert: &OperatorAlert,
    calls_per_day: u32,
) -> crate::store::Result<Option<AlertDetails>> {
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
            let requests = access_requests::record_alert(tx, claimed.email, claimed.is_repeat)?;
            let user = |request: AccessRequest| (request.name, request.address.as_str().to_owned());
            let users: Vec<_> = requests.into_iter().map(user).collect();
            let count = users.len() as u64;
            (count > 0).then_some(AlertDetails { count, users, ..details })
        }
        OperatorAlert::QuotaExhausted(bucket) => {
            api_calls::lock_out(tx, *bucket)?.map(|lockout| AlertDetails {
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
            .disk_space()
            .filter(|disk| disk.is_nearly_full())
            .map(|disk| AlertDetails { disk: Some(disk), ..details }),
        _ => Some(details),
    })
}

fn confirm(tx: &Tx<'_>, claimed: &Claimed, user: User) -> Loaded<(EmailAddress, EmailData)> {
    let link = match subject_number(claimed) {
        Some(number) => {
            confirmation_links::find_confirm(tx, number)?.filter(|link| link.expires_at > tx.now())
        }
        None => None,
    };
    let to = link.as_ref().and_then(|link| link.address.clone());
    Ok(match (to, link) {
        (Some(to), Some(link)) => Ok((to, EmailData::Confirm(user, link))),
        _ => Err("the link was used or replaced, or has expired"),
    })
}

/// The row that an email is about, if its subject is the number of one.
fn subject_number(claimed: &Claimed) -> Option<i64> {
    claimed.subjects.first()?.parse().ok()
}
