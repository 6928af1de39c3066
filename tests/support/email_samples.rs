//! A sample of each email, for unit tests, `examples/emails.rs` and the benchmarks.
#![allow(dead_code, reason = "each of them uses a part")]

use jiff::civil::{Date, date};
use sha2::{Digest as _, Sha256};

use dropday::domain::artist::{Artist, ArtistId};
use dropday::domain::disk_space::DiskSpace;
use dropday::domain::operator_alert::{AlertDetails, OperatorAlert};
use dropday::domain::overdue::WhyOverdue;
use dropday::domain::quota::Bucket;
use dropday::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use dropday::domain::release_filter::Category;
use dropday::domain::text::one_line;
use dropday::domain::user::UserId;
use dropday::email::message::{Email, RenderError};
use dropday::email::messages::assurance::{Assurance, Checks};
use dropday::email::messages::confirm::Confirm;
use dropday::email::messages::consent_ends::ConsentEnds;
use dropday::email::messages::goodbye::Goodbye;
use dropday::email::messages::item::{MuteLink, NewsItem};
use dropday::email::messages::news::{News, Sample};
use dropday::email::messages::operator::OperatorEmail;
use dropday::email::messages::sign_in_again::SignInAgain;
use dropday::email::messages::test_email::TestEmail;
use dropday::email::messages::welcome::Welcome;
use dropday::email::messages::withdrawn::Withdrawn;

/// The day on which they are sent: a Friday.
pub(crate) const TODAY: Date = date(2026, 11, 27);
/// The instance that sends them.
pub(crate) const INSTANCE: &str = "https://dropday.example/";
const ACCOUNT: &str = "https://dropday.example/account";
const PREFERENCES: &str = "https://dropday.example/account#preferences";
const LOG_IN: &str = "https://dropday.example/login";
const UNSUBSCRIBE: &str =
    "https://dropday.example/unsubscribe/1.7Jx9hQ2mYw0b3nVfTz5kLr8sDc4aPeGu6iXoRtHqBvA";

/// All samples, each with a name that can be a file name.
pub(crate) fn all() -> Vec<(&'static str, Email)> {
    let mut emails = vec![
        ("confirm", confirm("Martha").email()),
        ("welcome", welcome(&recent()).email()),
        ("welcome_early", Welcome { tracked: 0, not_checked: 0, ..welcome(&[]) }.email()),
        ("welcome_quiet", Welcome { not_checked: 0, ..welcome(&[]) }.email()),
        ("news_one", news(&[profound_mysteries()]).email()),
        ("news", news(&several()).email()),
        ("news_many", News { assurance: Some(overdue()), ..news(&many(77)) }.email()),
        ("news_sample", News { sample: Some(Sample::Own), ..news(&many(3)) }.email()),
        ("news_sample_made_up", made_up()),
        ("sign_in_again", SignInAgain { link: LOG_IN }.email()),
        ("consent_ends", ConsentEnds { link: LOG_IN, ends_on: date(2027, 5, 23) }.email()),
        ("withdrawn", withdrawn().email()),
        ("goodbye", goodbye(true).email()),
        ("goodbye_withdrawn", goodbye(false).email()),
        ("test_email", test_email().email()),
    ];
    emails.extend(
        alerts().map(|(name, alert, details)| (name, to_operator(&alert, &details).email())),
    );
    emails.into_iter().map(|(name, email)| (name, written(name, email))).collect()
}

fn written(name: &str, email: Result<Email, RenderError>) -> Email {
    let email = email.unwrap_or_else(|fault| panic!("cannot render {name}: {fault}"));
    match name {
        _ if name.starts_with("news") || name.starts_with("welcome") => {
            email.with_unsubscribe(UNSUBSCRIBE)
        }
        _ => email,
    }
}

/// News of these releases for a user who follows 312 artists.
pub(crate) fn news(releases: &[NewsItem]) -> News<'_> {
    News {
        releases,
        today: TODAY,
        assurance: Some(Assurance { tracked: 312, checks: Checks::AllSince(date(2026, 11, 24)) }),
        account_url: ACCOUNT,
        preferences_url: PREFERENCES,
        unsubscribe_url: UNSUBSCRIBE,
        sample: None,
    }
}

/// That many different albums.
pub(crate) fn many(count: usize) -> Vec<NewsItem> {
    (0..count).map(|n| album(&format!("Artist no. {n}"), &format!("Album no. {n}"))).collect()
}

/// An album that is released on [`TODAY`].
pub(crate) fn album(artist: &str, title: &str) -> NewsItem {
    item(Category::Album, &[artist], title, "2026-11-27", 10)
}

/// A release with a value in every field.
pub(crate) fn item(
    category: Category,
    artists: &[&str],
    title: &str,
    released: &str,
    tracks: u32,
) -> NewsItem {
    let id = id_of(title);
    let release = Release {
        title: one_line(title),
        kind: ReleaseKind::Album,
        artists: artists.iter().map(|name| artist(name)).collect(),
        date: ReleaseDate::parse(released, None),
        tracks: Some(tracks),
        cover: Some(format!("https://i.scdn.co/image/ab67616d00001e02{id}")),
        link: format!("https://open.spotify.com/album/{id}"),
        id: release_id(&id),
    };
    let because = artists.iter().map(ToString::to_string).collect();
    let mute = artists.iter().map(|artist| mute(artist)).collect();
    NewsItem { release, category, because, also_as: Vec::new(), mute }
}

/// A link that mutes `artist`, as long as a real one.
pub(crate) fn mute(artist: &str) -> MuteLink {
    let url = format!("https://dropday.example/mute/{0}/1.{0}{0}", id_of(artist));
    MuteLink { artist: artist.to_owned(), url }
}

fn profound_mysteries() -> NewsItem {
    item(Category::Album, &["Röyksopp"], "Profound Mysteries III", "2026-11-27", 10)
}

/// One release of each category, some with fields missing.
fn several() -> Vec<NewsItem> {
    let mut deluxe = item(Category::Album, &["Sigur Rós"], "ÁTTA", "2026-11-26", 11);
    deluxe.also_as = vec!["Deluxe".into(), "Instrumental".into()];
    let mut untitled = item(Category::Album, &["אביב גפן"], "", "", 1);
    (untitled.release.cover, untitled.release.tracks) = (None, None);
    let mut guest = item(Category::Appearance, &["Various Artists"], "Night Drive", "2026-11", 18);
    (guest.because, guest.mute) = (vec!["Robyn".into()], vec![mute("Robyn")]);
    vec![
        profound_mysteries(),
        deluxe,
        item(Category::Album, &["Kraftwerk"], "Ralf und Florian", "1973-10", 6),
        untitled,
        item(
            Category::Live,
            &["Godspeed You! Black Emperor"],
            "Live at the Warehouse",
            "2026-11-20",
            4,
        ),
        item(Category::Remixes, &["Björk", "Arca"], "Vulnicura Remixes & Strings", "2026-12-04", 9),
        item(Category::Single, &["Röyksopp", "Robyn"], "Do It Again", "2026-11-27", 1),
        item(Category::Single, &["Moderat"], "<b>EP</b> No. 1", "2026", 5),
        item(Category::Compilation, &["Joni Mitchell"], "Archives, Vol. 4", "2026-11-06", 98),
        guest,
    ]
}

fn made_up() -> Result<Email, RenderError> {
    let releases: Vec<NewsItem> = NewsItem::made_up(TODAY).into_iter().collect();
    News { sample: Some(Sample::MadeUp), assurance: None, ..news(&releases) }.email()
}

fn recent() -> Vec<NewsItem> {
    several().into_iter().filter(|item| item.category == Category::Album).collect()
}

fn overdue() -> Assurance {
    let checks = Checks::Overdue {
        artists: 14,
        because: WhyOverdue::QuotaExhausted { tracked: 312, calls: 80 },
    };
    Assurance { tracked: 312, checks }
}

/// The email that asks a user to confirm their address.
pub(crate) fn confirm(account: &str) -> Confirm<'_> {
    Confirm {
        link: "https://dropday.example/confirm/1.7Jx9hQ2mYw0b3nVfTz5kLr8sDc4aPeGu6iXoRtHqBvA",
        account,
        instance_url: INSTANCE,
        expires_in: "24 hours",
    }
}

/// The welcome email for a user who follows 312 artists.
pub(crate) fn welcome(recent: &[NewsItem]) -> Welcome<'_> {
    Welcome {
        tracked: 312,
        not_checked: 190,
        recent,
        when: "right away, as soon as we find something new",
        today: TODAY,
        account_url: ACCOUNT,
        preferences_url: PREFERENCES,
        unsubscribe_url: UNSUBSCRIBE,
    }
}

fn withdrawn() -> Withdrawn<'static> {
    Withdrawn { link: LOG_IN, account_url: ACCOUNT, deleted_on: date(2026, 12, 1) }
}

fn goodbye(listed_at_spotify: bool) -> Goodbye<'static> {
    Goodbye { instance_url: INSTANCE, artists: 312, listed_at_spotify }
}

fn test_email() -> TestEmail<'static> {
    let sent_at = jiff::Timestamp::constant(1_795_780_800, 0);
    TestEmail { instance_url: INSTANCE, server: "mail.dropday.example:587", sent_at }
}

/// An alert to the operator.
pub(crate) fn to_operator(alert: &OperatorAlert, details: &AlertDetails) -> OperatorEmail<'static> {
    OperatorEmail { alert: alert.text(details), instance_url: INSTANCE }
}

fn alerts() -> [(&'static str, OperatorAlert, AlertDetails); 10] {
    use OperatorAlert::*;
    let details = AlertDetails::default;
    let users = |users: &[(&str, &str)]| AlertDetails {
        count: users.len() as u64,
        users: users.iter().map(|(name, id)| ((*name).into(), (*id).into())).collect(),
        ..details()
    };
    let quota = |lower_limit| AlertDetails {
        until: Some(jiff::Timestamp::constant(1_795_869_000, 0)),
        calls_per_day: 80,
        lower_limit,
        ..details()
    };
    let requests = [("Aino Virtanen", "aino@example.com"), ("אביב גפן", "aviv@example.org")];
    let martha = users(&[("Martha <3\r\nBcc: x", "martha42")]);
    let aino = users(&[("Aino <3\r\nBcc: x", "aino@example.com")]);
    let login = "535 5.7.8 Username and Password not accepted";
    let disk = Some(DiskSpace { free: 180_000_000, total: 8_000_000_000 });
    [
        ("operator_mass_refusal", MassRefusal, AlertDetails { count: 5, ..details() }),
        ("operator_no_premium", PremiumLapsed, details()),
        ("operator_allow_list", NotOnAllowList(UserId(7)), martha),
        ("operator_access_request", AccessRequests, aino),
        ("operator_access_requests", AccessRequests, users(&requests)),
        ("operator_endpoint", EndpointForbidden(Bucket::Following), details()),
        ("operator_quota", QuotaExhausted(Bucket::ArtistAlbums), quota(Some(48))),
        ("operator_quota_elsewhere", QuotaExhausted(Bucket::ArtistAlbums), quota(None)),
        ("operator_mail_refused", MailRejected, AlertDetails { reason: login.into(), ..details() }),
        ("operator_disk", DiskNearlyFull, AlertDetails { disk, ..details() }),
    ]
}

fn artist(name: &str) -> Artist {
    let id = ArtistId::parse(&id_of(name));
    Artist::new(id.unwrap_or_else(|| panic!("{name:?} makes no id")), name)
}

fn release_id(id: &str) -> ReleaseId {
    ReleaseId::parse(id).unwrap_or_else(|| panic!("{id:?} is no id"))
}

/// An id as Spotify has them: 22 characters that depend on the name alone.
fn id_of(name: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digits = Sha256::digest(name);
    digits
        .iter()
        .take(22)
        .map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]))
        .collect()
}
