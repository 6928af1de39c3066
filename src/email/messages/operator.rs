//! What needs the operator's hand: what happened, and what to do about it.

use jiff::Timestamp;

use super::wording::{grouped, shortened};
use crate::domain::quota::Bucket;
use crate::domain::text::one_line;
use crate::email::message::{Email, RenderError};

/// An email to whoever runs this Dropday.
#[derive(Clone, Copy)]
pub struct ToOperator<'a> {
    /// What happened.
    pub trouble: Trouble<'a>,
    /// Which Dropday this is.
    pub instance_url: &'a str,
}

/// What happened, with what is to be known of it.
#[derive(Debug, Clone, Copy)]
pub enum Trouble<'a> {
    /// Spotify refuses many users at once.
    MassRefusal {
        /// How many.
        users: u64,
    },
    /// The app's owner has no Premium.
    NoPremium,
    /// Somebody is not on the app's allow-list.
    NotOnAllowList {
        /// The name that they show at Spotify; may be empty.
        name: &'a str,
        /// Their id at Spotify.
        spotify_id: &'a str,
    },
    /// Users who are not on the app's allow-list ask to be entered there.
    AccessRequests {
        /// Their names, and the addresses of their accounts at Spotify, as they typed them.
        who: &'a [(&'a str, &'a str)],
    },
    /// Spotify forbids calls of a kind.
    EndpointRemoved {
        /// Which.
        calls: Bucket,
    },
    /// The day's quota of artists' albums is spent for long, or again within a week.
    QuotaSpent {
        /// Until when.
        until: Timestamp,
        /// `spotify.artist_albums_per_day` as it is.
        per_day: u32,
        /// What it could be lowered to; `None` where the lock-out came after so few questions that
        /// somebody else must have spent the quota.
        lower: Option<u32>,
    },
    /// The mail server refused our log-in or our sender address. It is told once emails leave again,
    /// by the first that does.
    MailRefused {
        /// The server's words.
        said: &'a str,
    },
    /// The file system that the database lies on is nearly full.
    DiskNearlyFull {
        /// What is left, in megabytes (10⁶ bytes).
        free_mb: u64,
    },
}

/// Characters of what a server said.
const MAX_QUOTE_LENGTH: usize = 300;
/// Characters that an inbox shows after the subject.
const PREHEADER: usize = 120;
const DASHBOARD: &str = "https://developer.spotify.com/dashboard";

templates!(Page, "operator.txt", "operator.mjml");

struct Page<'a> {
    headline: String,
    happened: String,
    quoted: Option<String>,
    users: Vec<(String, &'a str)>,
    to_do: String,
    preheader: String,
    /// Where it is done, or where to look.
    place: Option<&'static str>,
    instance_url: &'a str,
}

impl ToOperator<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        let trouble = self.trouble;
        let to_do = trouble.to_do();
        let page = Page {
            headline: trouble.headline(),
            happened: trouble.happened(),
            quoted: trouble.quoted(),
            users: trouble.users(),
            preheader: shortened(&to_do, PREHEADER),
            to_do,
            place: trouble.place(),
            instance_url: self.instance_url,
        };
        let subject = format!("Dropday needs a hand: {}", page.headline);
        render(subject, &page)
    }
}

impl<'a> Trouble<'a> {
    fn headline(self) -> String {
        match self {
            Self::MassRefusal { .. } => "Spotify refuses many people at once".into(),
            Self::NoPremium => "Spotify has stopped the app, for want of Premium".into(),
            Self::NotOnAllowList { name, .. } => {
                format!("{} is not on the app's list", named(name))
            }
            Self::AccessRequests { who: [(name, _)] } => {
                format!("{} asks to be let in", named(name))
            }
            Self::AccessRequests { who } => format!("{} people ask to be let in", who.len()),
            Self::EndpointRemoved { .. } => "Spotify forbids what Dropday asks".into(),
            Self::QuotaSpent { .. } => "Spotify's quota is spent too often".into(),
            Self::MailRefused { .. } => "The mail server refused Dropday".into(),
            Self::DiskNearlyFull { .. } => "The disk is nearly full".into(),
        }
    }

    fn happened(self) -> String {
        match self {
            Self::MassRefusal { users } => format!(
                "Spotify said invalid_grant of {users} people of this Dropday at the same time. That \
                 looks like a mistake of Spotify’s, so nobody’s permission is ended: each is tried \
                 again every two hours, and asked to sign in again only if they are still refused \
                 after a day."
            ),
            Self::NoPremium => "Spotify answers that the owner of the app has no active Premium \
                subscription. Nothing works without it; Dropday asks again every hour."
                .into(),
            Self::NotOnAllowList { name, spotify_id } => format!(
                "{} (Spotify id {}) is connected here, but Spotify does not let them use the app: they \
                 are not among its users in the dashboard. Dropday tries again every six hours, and \
                 their news goes on as far as others follow the same artists.",
                named(name),
                one_line(spotify_id)
            ),
            Self::AccessRequests { who } => format!(
                "{} agreed at Spotify to use this Dropday, and Spotify refused, since the app’s users in the \
                 dashboard do not include them. Nothing is kept of them here but what they typed into a \
                 form, for 30 days:",
                if who.len() == 1 { "Somebody" } else { "Some people" }
            ),
            Self::EndpointRemoved { calls } => format!(
                "Spotify answers 403 to calls of the kind \"{}\", with none of the reasons that \
                 Dropday knows. It may have taken them away from apps like yours. Dropday asks again \
                 every six hours.",
                calls.as_str()
            ),
            Self::QuotaSpent { until, per_day, .. } => format!(
                "Spotify has locked out questions about artists’ albums until {}, and it was not the \
                 first time within a week, or it is for longer than a day. Dropday allows itself \
                 {per_day} such questions in 24 hours; all apps of your developer account count \
                 together.",
                until.strftime("%-d %B %Y, %H:%M UTC")
            ),
            Self::MailRefused { .. } => "The mail server refused Dropday’s log-in or its sender \
                address, so no letter left until now. Nothing is lost: what is owed goes out after \
                this letter. The server said:"
                .into(),
            Self::DiskNearlyFull { free_mb } => format!(
                "Where Dropday keeps its database {} MB are left. Once nothing is left, no new album \
                 can be recorded and no letter can be marked as sent.",
                grouped(free_mb)
            ),
        }
    }

    fn to_do(self) -> String {
        match self {
            Self::MassRefusal { .. } => "Most likely you need only wait. Look whether the app is still \
                there and unchanged; `dropday status` says how many people are held."
                .into(),
            Self::NoPremium => "Renew Premium for the account that owns the app. After that it can take some hours until \
                Spotify lets the app in again; Dropday goes on by itself."
                .into(),
            Self::NotOnAllowList { .. } => "Enter them in the dashboard, under Settings, User Management, with the e-mail address of their Spotify account. \
                An app may have five users."
                .into(),
            Self::AccessRequests { .. } => "If you know them, enter them in the dashboard, under Settings, User Management, just as it stands \
                above, and tell them: then they can connect. An app may have five users. If you do not, there \
                is nothing to do."
                .into(),
            Self::EndpointRemoved { .. } => "Look for a newer version of Dropday, and at the changes \
                that Spotify tells of. If nothing has changed there, a proxy between you and Spotify may be what answers."
                .into(),
            Self::QuotaSpent { lower: None, .. } => "Hardly any of these questions were Dropday’s, so a lower number would not help: look which other \
                apps of your developer account ask for artists’ albums, or whether the app’s id and \
                secret are used elsewhere. Dropday goes on by itself when the lock-out is over."
                .into(),
            Self::QuotaSpent { lower: Some(lower), .. } => format!(
                "Dropday asks less for some weeks by itself, and slowly more again. If lock-outs come \
                 back, set spotify.artist_albums_per_day to {lower} in the configuration, or lower, \
                 and start Dropday again: a lower number asks later, but a lock-out asks nothing at all."
            ),
            Self::MailRefused { .. } => "Look at mail.smtp_url and mail.from in the configuration: has the \
                password changed, or may this log-in no longer send from that address? `dropday \
                check` tells whether the server lets Dropday in again."
                .into(),
            Self::DiskNearlyFull { .. } => "Make room on that disk, or make it larger. Dropday notices \
                by itself."
                .into(),
        }
    }

    fn quoted(self) -> Option<String> {
        let Self::MailRefused { said } = self else { return None };
        let said = shortened(&one_line(said), MAX_QUOTE_LENGTH);
        (!said.is_empty()).then_some(said)
    }

    fn users(self) -> Vec<(String, &'a str)> {
        let Self::AccessRequests { who } = self else { return Vec::new() };
        who.iter().map(|(name, address)| (named(name), *address)).collect()
    }

    fn place(self) -> Option<&'static str> {
        match self {
            Self::MassRefusal { .. }
            | Self::NoPremium
            | Self::NotOnAllowList { .. }
            | Self::AccessRequests { .. } => Some(DASHBOARD),
            Self::EndpointRemoved { .. } => {
                Some("https://developer.spotify.com/documentation/web-api")
            }
            Self::QuotaSpent { .. } | Self::MailRefused { .. } | Self::DiskNearlyFull { .. } => {
                None
            }
        }
    }
}

fn named(name: &str) -> String {
    let name = one_line(name);
    if name.is_empty() { "Somebody".to_owned() } else { name }
}
