//! What is owed → the letter that tells it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::mind_consents;
use crate::accounts::address;
use crate::ctx::Ctx;
use crate::domain::consent::{ends_at, reminder_due};
use crate::domain::matter::Matter;
use crate::domain::quota::{self, Bucket};
use crate::domain::release::{ReleaseId, ReleaseKind};
use crate::domain::user::{Addressee, EmailAddress};
use crate::domain::{audience, day_of, edition};
use crate::mail::letter::{Letter, RenderError};
use crate::mail::letters::confirm::Confirm;
use crate::mail::letters::consent_ends::ConsentEnds;
use crate::mail::letters::news::{News, NewsItem};
use crate::mail::letters::operator::{ToOperator, Trouble};
use crate::mail::letters::sign_in_again::SignInAgain;
use crate::mail::letters::withdrawn::Withdrawn;
use crate::store::allowance::{self, LockOut};
use crate::store::links::{self, ConfirmLink};
use crate::store::outbox::{Claimed, Kind};
use crate::store::people::{self, Person};
use crate::store::{StoreError, Tx, consents, editions, farewells, outbox, preferences, releases};

/// What became of a letter that was owed.
pub(super) enum Composed {
    /// To be sent.
    Ready(EmailAddress, Letter),
    /// No longer wanted, for this reason.
    Unwanted(&'static str),
}

/// Why a letter could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// What a letter is made of, as the database has it at the time of sending.
enum Facts {
    Confirm(Person, ConfirmLink, EmailAddress),
    News(EmailAddress, Vec<NewsItem>),
    SignInAgain(EmailAddress),
    Withdrawn(EmailAddress, Date),
    ConsentEnds(EmailAddress, Date),
    Operator(Known),
    Unwanted(&'static str),
}

/// What is known of a matter of the operator's.
enum Known {
    MassRefusal(u64),
    NoPremium,
    NotOnAllowList(Person),
    EndpointRemoved(Bucket),
    QuotaSpent(LockOut),
}

pub(super) async fn compose(ctx: &Ctx, claimed: &Claimed) -> Result<Composed, ComposeError> {
    let wanted = claimed.clone();
    let facts = ctx.db.write("what is owed", move |tx| gather(tx, &wanted)).await?;
    Ok(match facts {
        Facts::Unwanted(why) => Composed::Unwanted(why),
        Facts::Confirm(person, link, to) => {
            let letter = Confirm {
                link: &ctx.page(&address::confirm_path(ctx.db.sealer(), &link)),
                account: &person.display_name,
                instance_url: &ctx.page("/"),
                expires_in: &hours_left(&link, ctx.clock.now()),
            };
            Composed::Ready(to, letter.letter()?)
        }
        Facts::News(to, items) => {
            let account_url = ctx.page("/account");
            let today = day_of(ctx.clock.now());
            let letter = News {
                releases: &items,
                today,
                assurance: None,
                account_url: &account_url,
                preferences_url: &account_url,
                unsubscribe_url: &account_url,
            };
            Composed::Ready(to, letter.letter()?)
        }
        Facts::SignInAgain(to) => {
            Composed::Ready(to, SignInAgain { link: &ctx.page("/login") }.letter()?)
        }
        Facts::Withdrawn(to, deleted_on) => {
            let (link, account_url) = (&ctx.page("/login"), &ctx.page("/account"));
            Composed::Ready(to, Withdrawn { link, account_url, deleted_on }.letter()?)
        }
        Facts::ConsentEnds(to, ends_on) => {
            Composed::Ready(to, ConsentEnds { link: &ctx.page("/login"), ends_on }.letter()?)
        }
        Facts::Operator(known) => match ctx.operator.clone() {
            None => Composed::Unwanted("no operator is named in the configuration any more"),
            Some(to) => Composed::Ready(to, to_operator(ctx, &known)?),
        },
    })
}

fn to_operator(ctx: &Ctx, known: &Known) -> Result<Letter, RenderError> {
    let per_day = ctx.cadence.calls_per_day;
    let trouble = match known {
        Known::MassRefusal(people) => Trouble::MassRefusal { people: *people },
        Known::NoPremium => Trouble::NoPremium,
        Known::NotOnAllowList(person) => {
            Trouble::NotOnAllowList { name: &person.display_name, spotify_id: &person.spotify_id }
        }
        Known::EndpointRemoved(calls) => Trouble::EndpointRemoved { calls: *calls },
        Known::QuotaSpent(lock_out) => Trouble::QuotaSpent {
            until: lock_out.until,
            per_day,
            lower: quota::lower(per_day, lock_out.spent),
        },
    };
    ToOperator { trouble, instance_url: &ctx.page("/") }.letter()
}

fn gather(tx: &Tx<'_>, claimed: &Claimed) -> Result<Facts, StoreError> {
    let person = match claimed.addressee {
        Addressee::Person(person) => person,
        Addressee::Operator => return matter(tx, claimed),
        Addressee::Left => return good_bye(tx, claimed),
    };
    let Some(person) = people::find(tx, person)? else {
        return Ok(Facts::Unwanted("the person has left"));
    };
    match claimed.kind {
        Kind::Confirm => confirm(tx, claimed, person),
        Kind::News => news(tx, claimed, &person),
        Kind::SignInAgain if !person.must_sign_in => {
            Ok(Facts::Unwanted("the person has signed in again"))
        }
        Kind::SignInAgain => Ok(match person.deleted_at.map(day_of) {
            Some(day) => to_confirmed(person, |to| Facts::Withdrawn(to, day)),
            None => to_confirmed(person, Facts::SignInAgain),
        }),
        Kind::ConsentEnds => Ok(consent_ends(claimed, person, tx.now())),
        Kind::Welcome => welcome(tx, person),
        Kind::Operator | Kind::GoodBye => Ok(Facts::Unwanted("it is not addressed to a person")),
    }
}

/// A reminder that was overtaken, by the next one or by a sign-in, is not sent late.
fn consent_ends(claimed: &Claimed, person: Person, now: Timestamp) -> Facts {
    let Some(given_at) = person.authorized_at else {
        return Facts::Unwanted("the permission has ended");
    };
    let due = reminder_due(given_at, now)
        .map(|due| mind_consents::subject(given_at.as_millisecond(), due));
    if due.is_none() || claimed.subjects.first() != due.as_ref() {
        return Facts::Unwanted("the person has signed in again, or a later letter says it");
    }
    to_confirmed(person, |to| Facts::ConsentEnds(to, day_of(ends_at(given_at))))
}

fn matter(tx: &Tx<'_>, claimed: &Claimed) -> Result<Facts, StoreError> {
    let matter = claimed.subjects.first().and_then(|subject| Matter::parse(subject));
    let known = match matter {
        None => None,
        Some(Matter::MassRefusal) => {
            Some(consents::count_held(tx)?).filter(|held| *held > 0).map(Known::MassRefusal)
        }
        Some(Matter::NoPremium) => Some(Known::NoPremium),
        Some(Matter::NotOnAllowList(person)) => {
            people::find(tx, person)?.map(Known::NotOnAllowList)
        }
        Some(Matter::EndpointRemoved(bucket)) => Some(Known::EndpointRemoved(bucket)),
        Some(Matter::QuotaSpent) => {
            allowance::lock_out(tx, Bucket::ArtistAlbums)?.map(Known::QuotaSpent)
        }
    };
    Ok(known
        .map_or(Facts::Unwanted("what it was about is over or no longer known"), Facts::Operator))
}

fn to_confirmed(person: Person, facts: impl FnOnce(EmailAddress) -> Facts) -> Facts {
    person.address.map_or(Facts::Unwanted("no address is confirmed"), facts)
}

fn confirm(tx: &Tx<'_>, claimed: &Claimed, person: Person) -> Result<Facts, StoreError> {
    let number = claimed.subjects.first().and_then(|subject| subject.parse().ok());
    let link = number.map(|number| links::find_confirm(tx, number)).transpose()?.flatten();
    let good = link.filter(|link| link.expires_at > tx.now());
    let good = good.and_then(|link| Some((link.address.clone()?, link)));
    Ok(good.map_or(Facts::Unwanted("the link is used, over or replaced"), |(to, link)| {
        Facts::Confirm(person, link, to)
    }))
}

/// How long a link still works, in words.
fn hours_left(link: &ConfirmLink, now: Timestamp) -> String {
    match link.expires_at.duration_since(now).as_hours() {
        47.. => "two days".to_owned(),
        hours @ 2.. => format!("{hours} hours"),
        _ => "an hour".to_owned(),
    }
}

fn news(tx: &Tx<'_>, claimed: &Claimed, person: &Person) -> Result<Facts, StoreError> {
    let Some(wanted) = preferences::of(tx, person.id)?.filter(|wanted| wanted.is_subscribed) else {
        return Ok(Facts::Unwanted("letters with news are switched off"));
    };
    let mut items = Vec::new();
    for id in claimed.subjects.iter().filter_map(|subject| ReleaseId::parse(subject)) {
        let Some(release) = releases::find(tx, &id)? else {
            outbox::drop_subject(tx, claimed.letter, id.as_str(), "the album is no longer known")?;
            continue;
        };
        let reasons = releases::reasons(tx, &id, person.id)?;
        if let Err(why) = audience::judge(&release, &reasons, wanted.kinds) {
            outbox::unwanted(tx, claimed.letter, id.as_str(), &why.to_string())?;
            continue;
        }
        let because = reasons.into_iter().filter(|r| !r.is_muted).map(|r| r.name).collect();
        let also_as = editions::of(tx, &id)?
            .iter()
            .filter_map(edition::edition_words)
            .collect::<BTreeSet<_>>();
        let (kind, also_as) = (release.kind.into(), also_as.into_iter().collect());
        items.push(NewsItem { release, kind, because, also_as, mute: Vec::new() });
    }
    if items.is_empty() {
        return Ok(Facts::Unwanted("nothing of it is known and wanted any more"));
    }
    // What a long letter leaves out is rather a single than an album.
    items.sort_by_key(|item| item.release.kind == ReleaseKind::Single);
    Ok(to_confirmed(person.clone(), |to| Facts::News(to, items)))
}
