//! What needs the operator's hand.

use jiff::civil::Date;

use super::quota::Bucket;
use super::user::UserId;

/// Something that only the operator can mend, or should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorAlert {
    /// Spotify refuses so many users at once that nobody's consent is ended.
    MassRefusal,
    /// The app's owner has no Premium: everything rests.
    NoPremium,
    /// This user is not on the app's allow-list.
    NotOnAllowList(UserId),
    /// Somebody who is not on the app's allow-list asks to be entered there.
    AccessRequests,
    /// Spotify forbids calls of this kind.
    EndpointRemoved(Bucket),
    /// The day's quota of artists' albums is spent for long, or again.
    QuotaSpent,
    /// The mail server refuses our log-in or our sender.
    MailRefused,
    /// The file system that the database lies on is nearly full.
    DiskNearlyFull,
}

impl OperatorAlert {
    /// What an email about it on `day` is kept under, so that there is one a day: `<what>:<day>`.
    pub fn subject(self, day: Date) -> String {
        format!("{}:{day}", self.what())
    }

    /// The same on any day.
    pub fn what(self) -> String {
        match self {
            Self::MassRefusal => "mass_refusal".to_owned(),
            Self::NoPremium => "premium".to_owned(),
            Self::NotOnAllowList(user) => format!("allow_list/{}", user.0),
            Self::AccessRequests => "access_requests".to_owned(),
            Self::EndpointRemoved(bucket) => format!("endpoint/{}", bucket.as_str()),
            Self::QuotaSpent => "quota".to_owned(),
            Self::MailRefused => "mail".to_owned(),
            Self::DiskNearlyFull => "disk".to_owned(),
        }
    }

    /// Reads a subject.
    pub fn parse(subject: &str) -> Option<Self> {
        let (what, _) = subject.split_once(':')?;
        Some(match what.split_once('/').unwrap_or((what, "")) {
            ("mass_refusal", "") => Self::MassRefusal,
            ("premium", "") => Self::NoPremium,
            ("access_requests", "") => Self::AccessRequests,
            ("quota", "") => Self::QuotaSpent,
            ("mail", "") => Self::MailRefused,
            ("disk", "") => Self::DiskNearlyFull,
            ("allow_list", user) => Self::NotOnAllowList(UserId(user.parse().ok()?)),
            ("endpoint", bucket) => Self::EndpointRemoved(
                Bucket::ALL.into_iter().find(|known| known.as_str() == bucket)?,
            ),
            _ => return None,
        })
    }
}

/// What happened, in a few words.
impl std::fmt::Display for OperatorAlert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MassRefusal => f.write_str("Spotify refuses many people at once"),
            Self::NoPremium => f.write_str("Spotify has stopped the app, for want of Premium"),
            Self::NotOnAllowList(_) => f.write_str("Somebody is not on the app’s list"),
            Self::AccessRequests => f.write_str("Somebody asks to be entered at Spotify"),
            Self::EndpointRemoved(bucket) => {
                write!(f, "Spotify forbids calls: {}", bucket.as_str())
            }
            Self::QuotaSpent => f.write_str("Spotify’s quota is spent too often"),
            Self::MailRefused => f.write_str("The mail server refused Dropday"),
            Self::DiskNearlyFull => f.write_str("The disk is nearly full"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_was_written() {
        let day = jiff::civil::date(2026, 11, 23);
        assert_eq!(OperatorAlert::NoPremium.subject(day), "premium:2026-11-23");
        let endpoints = Bucket::ALL.map(OperatorAlert::EndpointRemoved);
        let others = [
            OperatorAlert::MassRefusal,
            OperatorAlert::NoPremium,
            OperatorAlert::AccessRequests,
            OperatorAlert::QuotaSpent,
            OperatorAlert::MailRefused,
            OperatorAlert::DiskNearlyFull,
        ];
        for alert in
            others.into_iter().chain(endpoints).chain([OperatorAlert::NotOnAllowList(UserId(7))])
        {
            assert_eq!(OperatorAlert::parse(&alert.subject(day)), Some(alert));
        }
        for odd in ["", "premium", "allow_list/x:2026-11-23", "weather:2026-11-23"] {
            assert_eq!(OperatorAlert::parse(odd), None, "{odd}");
        }
    }
}
