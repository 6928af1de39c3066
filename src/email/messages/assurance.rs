//! One line that shows that Dropday is working: how many artists are tracked, and whether any checks are overdue.

use jiff::civil::Date;

use super::wording::{counted, grouped, past_day};
use crate::domain::overdue::WhyOverdue;

/// How the watching stands for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assurance {
    /// How many artists are watched for them.
    pub tracked: u64,
    /// How the checks of these artists stand.
    pub checks: Checks,
}

/// How the checks of somebody's artists stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checks {
    /// Every artist was checked on this day or later (the user's day, not UTC's).
    AllSince(Date),
    /// Some were never checked yet, and are in good time all the same.
    InitialScan {
        /// How many.
        artists: u64,
    },
    /// Some wait longer than they should.
    Overdue {
        /// How many.
        artists: u64,
        /// Why, of most of them.
        because: WhyOverdue,
    },
}

impl Assurance {
    /// `312 artists, all checked since Friday.`
    pub(super) fn sentence(&self, today: Date) -> String {
        let tracked = counted(self.tracked, "artist", "artists");
        match &self.checks {
            Checks::AllSince(day) => {
                let all = if self.tracked == 1 { "" } else { "all " };
                format!("{tracked}, {all}checked {}.", since(*day, today))
            }
            Checks::InitialScan { artists } => {
                format!("{tracked}, {} not checked yet.", grouped(*artists))
            }
            Checks::Overdue { artists, because } => {
                let (artists, because) = (grouped(*artists), in_brief(because));
                format!("{tracked}, {artists} overdue because {because}.")
            }
        }
    }
}

/// The reason, to follow "because".
fn in_brief(why: &WhyOverdue) -> &'static str {
    match why {
        WhyOverdue::QuotaExhausted { .. } => "Spotify’s daily limit is used up",
        WhyOverdue::Paused(_) => "Spotify asked us to pause",
        WhyOverdue::Queued { .. } => "there are more artists than Spotify allows us to check",
        WhyOverdue::CheckFailed(_) | WhyOverdue::Outage(_) => "Spotify did not respond",
        WhyOverdue::NobodyConnected => "nobody is connected to Spotify",
    }
}

fn since(day: Date, today: Date) -> String {
    if day >= today { "today".to_owned() } else { format!("since {}", past_day(day, today)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn assurance_counts_tracked_and_explains_overdue_artists() {
        let told = |tracked, checks| Assurance { tracked, checks }.sentence(date(2026, 11, 23));
        assert_eq!(
            told(312, Checks::AllSince(date(2026, 11, 20))),
            "312 artists, all checked since Friday."
        );
        assert_eq!(told(1, Checks::AllSince(date(2026, 11, 23))), "1 artist, checked today.");
        assert_eq!(
            told(1312, Checks::InitialScan { artists: 40 }),
            "1,312 artists, 40 not checked yet."
        );
        let because = WhyOverdue::QuotaExhausted { tracked: 312, calls: 80 };
        assert_eq!(
            told(312, Checks::Overdue { artists: 14, because }),
            "312 artists, 14 overdue because Spotify’s daily limit is used up."
        );
    }
}
