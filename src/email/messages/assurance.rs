//! One line that says that Dropday is awake: how many artists are watched, and whether any waits.

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
    /// `312 artists tracked, all checked since Friday.`
    pub(super) fn sentence(&self, today: Date) -> String {
        let tracked = counted(self.tracked, "artist", "artists");
        match &self.checks {
            Checks::AllSince(day) => {
                let all = if self.tracked == 1 { "" } else { "all " };
                format!("{tracked} watched, {all}checked {}.", since(*day, today))
            }
            Checks::InitialScan { artists } => {
                format!("{tracked} watched, {} not looked at yet.", grouped(*artists))
            }
            Checks::Overdue { artists, because } => {
                let (artists, because) = (grouped(*artists), in_brief(because));
                format!("{tracked} watched, {artists} overdue because {because}.")
            }
        }
    }
}

/// The reason, to follow "because".
fn in_brief(why: &WhyOverdue) -> &'static str {
    match why {
        WhyOverdue::QuotaExhausted { .. } => "Spotify’s daily limit is spent",
        WhyOverdue::Paused(_) => "Spotify asks Dropday to pause",
        WhyOverdue::Queued { .. } => "there are more artists than Spotify allows questions",
        WhyOverdue::CheckFailed(_) | WhyOverdue::Outage(_) => "Spotify did not answer",
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
            "312 artists watched, all checked since Friday."
        );
        assert_eq!(
            told(1, Checks::AllSince(date(2026, 11, 23))),
            "1 artist watched, checked today."
        );
        assert_eq!(
            told(1312, Checks::InitialScan { artists: 40 }),
            "1,312 artists watched, 40 not looked at yet."
        );
        let because = WhyOverdue::QuotaExhausted { tracked: 312, calls: 80 };
        assert_eq!(
            told(312, Checks::Overdue { artists: 14, because }),
            "312 artists watched, 14 overdue because Spotify’s daily limit is spent."
        );
    }
}
