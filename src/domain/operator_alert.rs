//! Alerts for the operator: what happened and what to do about it. Emails, the admin page and
//! `dropday status` all take their texts from here.

use jiff::Timestamp;
use jiff::civil::Date;

use super::disk_space::DiskSpace;
use super::hint::SourceName;
use super::quota::Bucket;
use super::text::{one_line, shortened};
use super::user::UserId;

const DASHBOARD: &str = "https://developer.spotify.com/dashboard";
const WEB_API_DOCS: &str = "https://developer.spotify.com/documentation/web-api";

/// Characters of an error or of a server's reply.
const MAX_REASON: usize = 300;

/// Something that only the operator can fix, or should know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorAlert {
    DiskNearlyFull,
    /// The app's owner has no Premium, so all requests to Spotify are paused.
    PremiumLapsed,
    /// Spotify answers 403 to this type of call.
    EndpointForbidden(Bucket),
    QuotaExhausted(Bucket),
    /// So many `invalid_grant`s at once that no consent is ended.
    MassRefusal,
    /// This user is missing from the app's list of users at Spotify.
    NotOnAllowList(UserId),
    UsersRejected,
    /// Users who are missing from the app's list asked to be added.
    AccessRequests,
    NobodyConnected,
    /// The mail server rejects the login or the sender.
    MailRejected,
    EmailsDeferred,
    JobFailed(String),
    EmailsRejected,
    EmailsBouncing,
    ChecksOverdue,
    HintSourceFailing(SourceName),
}

/// The data that an alert's text mentions; each alert uses its own part.
#[derive(Debug, Clone, Default)]
pub struct AlertDetails {
    /// Users, notifications, artists or failures.
    pub count: u64,
    /// The latest error, or what the mail server said.
    pub reason: String,
    /// Names, with the Spotify ID or the email address.
    pub users: Vec<(String, String)>,
    pub disk: Option<DiskSpace>,
    /// When an exhausted quota resets.
    pub until: Option<Timestamp>,
    /// `spotify.artist_albums_per_day`
    pub calls_per_day: u32,
    /// A value for `spotify.artist_albums_per_day` that would have avoided the lockout, if any.
    pub lower_limit: Option<u32>,
}

/// An alert in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertText {
    pub key: String,
    pub title: String,
    pub what_happened: String,
    /// The server's own words, shown after `what_happened`.
    pub quote: Option<String>,
    /// Names and email addresses, shown after `what_happened`.
    pub users: Vec<(String, String)>,
    pub what_to_do: String,
    pub link: Option<&'static str>,
}

impl OperatorAlert {
    /// The outbox subject of the email about it, `<key>:<day>`, so that one is sent per day.
    pub fn subject(&self, day: Date) -> String {
        format!("{}:{day}", self.key())
    }

    /// Identifies the alert in the database and in `dropday status --json`.
    pub fn key(&self) -> String {
        match self {
            Self::DiskNearlyFull => "disk".into(),
            Self::PremiumLapsed => "premium".into(),
            Self::EndpointForbidden(bucket) => format!("endpoint/{}", bucket.as_str()),
            Self::QuotaExhausted(bucket) => format!("quota/{}", bucket.as_str()),
            Self::MassRefusal => "mass_refusal".into(),
            Self::NotOnAllowList(user) => format!("allow_list/{}", user.0),
            Self::UsersRejected => "users_rejected".into(),
            Self::AccessRequests => "access_requests".into(),
            Self::NobodyConnected => "nobody_connected".into(),
            Self::MailRejected => "mail".into(),
            Self::EmailsDeferred => "emails_deferred".into(),
            Self::JobFailed(job) => format!("job/{job}"),
            Self::EmailsRejected => "emails_rejected".into(),
            Self::EmailsBouncing => "emails_bouncing".into(),
            Self::ChecksOverdue => "checks_overdue".into(),
            Self::HintSourceFailing(source) => format!("hints/{source}"),
        }
    }

    /// Parses an outbox subject. `None` for alerts that are only displayed.
    pub fn parse(subject: &str) -> Option<Self> {
        let (key, _) = subject.split_once(':')?;
        let bucket = |name: &str| Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == name);
        Some(match key.split_once('/').unwrap_or((key, "")) {
            ("disk", "") => Self::DiskNearlyFull,
            ("premium", "") => Self::PremiumLapsed,
            ("endpoint", name) => Self::EndpointForbidden(bucket(name)?),
            ("quota", name) => Self::QuotaExhausted(bucket(name)?),
            ("mass_refusal", "") => Self::MassRefusal,
            ("allow_list", user) => Self::NotOnAllowList(UserId(user.parse().ok()?)),
            ("access_requests", "") => Self::AccessRequests,
            ("mail", "") => Self::MailRejected,
            _ => return None,
        })
    }

    pub fn title(&self) -> String {
        match self {
            Self::DiskNearlyFull => "The disk is nearly full".into(),
            Self::PremiumLapsed => "Spotify has stopped the app: Premium has lapsed".into(),
            Self::EndpointForbidden(bucket) => {
                format!("Spotify forbids \"{}\" calls", bucket.as_str())
            }
            Self::QuotaExhausted(_) => "Spotify’s daily quota is used up".into(),
            Self::MassRefusal => "Spotify rejects many users at once".into(),
            Self::NotOnAllowList(_) => "A user is not on the app’s list".into(),
            Self::UsersRejected => "Spotify rejects some users".into(),
            Self::AccessRequests => "Someone asked to be added to the app".into(),
            Self::NobodyConnected => "Nobody is connected to Spotify".into(),
            Self::MailRejected => "The mail server rejected Dropday".into(),
            Self::EmailsDeferred => "Some emails could not be sent yet".into(),
            Self::JobFailed(job) => format!("The job {job} failed"),
            Self::EmailsRejected => "Some emails were rejected".into(),
            Self::EmailsBouncing => "Some email addresses bounce".into(),
            Self::ChecksOverdue => "Some artist checks are overdue".into(),
            Self::HintSourceFailing(source) => format!("{source} keeps failing"),
        }
    }

    pub fn text(&self, details: &AlertDetails) -> AlertText {
        let quote = (*self == Self::MailRejected).then(|| quoted(&details.reason));
        let is_about_requests = *self == Self::AccessRequests;
        let users = details.users.iter().filter(|_| is_about_requests);
        AlertText {
            key: self.key(),
            title: self.title(),
            what_happened: self.what_happened(details),
            quote: quote.filter(|quote| !quote.is_empty()),
            users: users.map(|(name, email)| (named(name), email.clone())).collect(),
            what_to_do: self.what_to_do(details),
            link: self.link(),
        }
    }

    fn what_happened(&self, details: &AlertDetails) -> String {
        let count = |one, many| counted(details.count, one, many);
        let reason = quoted(&details.reason);
        match self {
            Self::DiskNearlyFull => {
                let (free, total) = details
                    .disk
                    .map_or((0, 0), |disk| (disk.free / 1_000_000, disk.total / 1_000_000));
                format!(
                    "{free} of {total} MB are free on the disk that holds the database. When it is full, \
                     Dropday can’t record new albums or mark emails as sent."
                )
            }
            Self::PremiumLapsed => "Spotify says that the owner of the app has no active Premium \
                subscription. Nothing works without it. Dropday tries again every hour."
                .into(),
            Self::EndpointForbidden(bucket) => format!(
                "Spotify answers 403 to \"{}\" calls, without any of the reasons that Dropday knows. It \
                 may have removed them for apps like yours. Dropday tries again every six hours.",
                bucket.as_str()
            ),
            Self::QuotaExhausted(bucket) => quota_exhausted(*bucket, details),
            Self::MassRefusal => format!(
                "Spotify answered invalid_grant for {} at once. That looks like a mistake on its side, so \
                 nobody has to reconnect yet. Dropday tries each user again every two hours, and asks \
                 them to reconnect only if Spotify still rejects them after a day.",
                count("user", "users")
            ),
            Self::NotOnAllowList(_) => {
                let (name, spotify_id) = details.users.first().cloned().unwrap_or_default();
                format!(
                    "{} (Spotify ID {}) is connected to Dropday, but Spotify does not let them use the app \
                     because they are not among its users in the dashboard. Dropday tries again every six \
                     hours. Until then they get news only about artists that other users follow too.",
                    named(&name),
                    one_line(&spotify_id)
                )
            }
            Self::UsersRejected => {
                format!("Spotify rejects requests for {}.", count("user", "users"))
            }
            Self::AccessRequests => format!(
                "{} tried to connect, but Spotify does not have them on the app’s list of users in the \
                 dashboard. Dropday keeps only what they entered in a form, for 30 days{}",
                count("person", "people"),
                if details.users.is_empty() { "." } else { ":" }
            ),
            Self::NobodyConnected => {
                "Nobody is connected to Spotify, so Dropday can’t check anything.".into()
            }
            Self::MailRejected => "The mail server rejected Dropday’s login or its sender address, so no \
                email has gone out since. Nothing is lost: queued emails follow this one. The server said:"
                .into(),
            Self::EmailsDeferred => format!(
                "{} could not be sent yet. The latest reason: {reason}",
                count("notification", "notifications")
            ),
            Self::JobFailed(_) => format!("The last run failed: {reason}"),
            Self::EmailsRejected => format!(
                "The mail server rejected {} in the last two weeks.",
                count("notification", "notifications")
            ),
            Self::EmailsBouncing => {
                format!("Emails to {} bounce.", count("user", "users"))
            }
            Self::ChecksOverdue => format!(
                "{} not checked in time. The reason for one of them: {reason}.",
                count("artist was", "artists were")
            ),
            Self::HintSourceFailing(_) => format!(
                "It failed {} in a row. The latest error: {reason}",
                count("time", "times")
            ),
        }
    }

    fn what_to_do(&self, details: &AlertDetails) -> String {
        match (self, details.lower_limit) {
            (Self::DiskNearlyFull, _) => {
                "Free some space or enlarge the disk. Dropday notices by itself."
            }
            (Self::PremiumLapsed, _) => {
                "Renew Premium for the account that owns the app. Spotify can take a few hours to notice; \
                 Dropday then resumes by itself."
            }
            (Self::EndpointForbidden(_), _) => {
                "Check for a newer version of Dropday and for changes that Spotify has announced. If \
                 neither explains it, a proxy between you and Spotify may be giving these answers."
            }
            (Self::QuotaExhausted(Bucket::ArtistAlbums), Some(lower)) => {
                return format!(
                    "Dropday makes fewer calls for some weeks, then slowly more again. If this keeps \
                     happening, set spotify.artist_albums_per_day to {lower} or less and restart Dropday: \
                     a lower limit delays checks, but an exhausted quota stops them."
                );
            }
            (Self::QuotaExhausted(_), _) => {
                "Hardly any of these calls came from Dropday, so lowering spotify.artist_albums_per_day \
                 would not help. Check which other apps of your developer account use the quota, or \
                 whether the app’s ID and secret are used elsewhere. Dropday resumes when the quota resets."
            }
            (Self::MassRefusal, _) => {
                "You probably only need to wait. Check in the dashboard that the app still exists and is \
                 unchanged; `dropday status` shows how many users are suspended."
            }
            (Self::NotOnAllowList(_), _) => {
                "Add them in the dashboard under Settings, User Management, with the email address of their \
                 Spotify account. An app can have five users."
            }
            (Self::UsersRejected, _) => {
                "They come first in the list of users, with the reason. Add anyone who is not on the app’s \
                 list at developer.spotify.com/dashboard under Settings, User Management."
            }
            (Self::AccessRequests, _) => {
                "If you know them, add them at developer.spotify.com/dashboard under Settings, User \
                 Management, exactly as they wrote it, and let them know: then they can connect. An app \
                 can have five users. If you don’t know them, ignore this."
            }
            (Self::NobodyConnected, _) => "Ask someone to sign in again, or sign in yourself.",
            (Self::MailRejected, _) => {
                "Check mail.smtp_url and mail.from in the configuration. Has the password changed, or may \
                 this login no longer send from that address? `dropday check` tests whether the server \
                 accepts Dropday again."
            }
            (Self::EmailsDeferred, _) => {
                "Dropday retries them by itself. If the reason stays, check [mail] in the configuration; \
                 `dropday check` tests whether the server accepts Dropday."
            }
            (Self::JobFailed(_), _) => {
                "Dropday retries it by itself. If it keeps failing, `dropday check` tests Spotify and the \
                 mail server, and the log says more (journalctl -u dropday, or wherever your log goes)."
            }
            (Self::EmailsRejected, _) => {
                "The reasons are listed under Emails. If they mention spam, policy or the sender, see \
                 docs/delivery.md. If they mention a mailbox, its owner must change their email address."
            }
            (Self::EmailsBouncing, _) => {
                "Dropday sends them nothing more. They come first in the list of users: if you can, ask \
                 them to enter their email address again on their account page."
            }
            (Self::ChecksOverdue, _) => {
                "The longest waits are listed under Artists. If there are not enough calls, follow fewer \
                 artists or raise schedule.max_check_interval; more calls can’t be bought."
            }
            (Self::HintSourceFailing(_), _) => {
                "Dropday retries it by itself, and nothing else waits for it. If it keeps failing, turn it \
                 off under [hints]."
            }
        }
        .to_owned()
    }

    fn link(&self) -> Option<&'static str> {
        match self {
            Self::MassRefusal
            | Self::PremiumLapsed
            | Self::NotOnAllowList(_)
            | Self::AccessRequests => Some(DASHBOARD),
            Self::EndpointForbidden(_) => Some(WEB_API_DOCS),
            _ => None,
        }
    }
}

fn quota_exhausted(bucket: Bucket, details: &AlertDetails) -> String {
    let until = details.until.map_or("further notice".into(), |until| {
        until.strftime("%-d %B %Y, %H:%M UTC").to_string()
    });
    let limit = match bucket {
        Bucket::ArtistAlbums => {
            format!(" Dropday makes at most {} of them in 24 hours.", details.calls_per_day)
        }
        _ => String::new(),
    };
    format!(
        "Spotify rejects \"{}\" calls until {until}, because the daily quota is used up.{limit} All apps of \
         your developer account share the quota.",
        bucket.as_str()
    )
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn named(name: &str) -> String {
    let name = one_line(name);
    if name.is_empty() { "Someone".to_owned() } else { name }
}

fn quoted(reason: &str) -> String {
    shortened(&one_line(reason), MAX_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reverses_subject() {
        let day = jiff::civil::date(2026, 11, 23);
        assert_eq!(OperatorAlert::PremiumLapsed.subject(day), "premium:2026-11-23");
        let endpoints = Bucket::ALL.map(OperatorAlert::EndpointForbidden);
        let quotas = Bucket::ALL.map(OperatorAlert::QuotaExhausted);
        let others = [
            OperatorAlert::MassRefusal,
            OperatorAlert::PremiumLapsed,
            OperatorAlert::AccessRequests,
            OperatorAlert::MailRejected,
            OperatorAlert::DiskNearlyFull,
            OperatorAlert::NotOnAllowList(UserId(7)),
        ];
        for alert in others.into_iter().chain(endpoints).chain(quotas) {
            assert_eq!(OperatorAlert::parse(&alert.subject(day)), Some(alert));
        }
        for odd in ["", "premium", "allow_list/x:2026-11-23", "weather:2026-11-23"] {
            assert_eq!(OperatorAlert::parse(odd), None, "{odd}");
        }
    }
}
