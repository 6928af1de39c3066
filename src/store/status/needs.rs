//! What needs a hand now, and what to do about it: as things stand, whatever emails were sent.

use std::fmt;

use super::{Report, Status};
use crate::domain::disk_space::DiskSpace;
use crate::domain::hint::SourceName;
use crate::domain::quota::{Cause, Pause};
use crate::store::job_runs::{JobRun, RunResult};

/// Failures in a row of a source of hints from which on it is worth a look: it is asked some times a day.
const FAILS_OFTEN: u32 = 5;

/// Something that needs a hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// So little room is left where the database lies.
    DiskSpace(DiskSpace),
    /// A pause that only the operator can end, or that says something of the configuration.
    Paused(String, Pause),
    /// The consents of so many users are held, since Spotify refuses many at once.
    MassRefusal(u64),
    /// Spotify refuses so many users.
    Refused(u64),
    /// So many users asked to be entered at Spotify.
    AccessRequests(u64),
    /// Users are here, and nobody is connected.
    NobodyConnected,
    /// So many things were put off, the last one for this reason.
    Deferred(u64, String),
    /// So many things were refused lately.
    EmailsRefused(u64),
    /// So many addresses bounce.
    Bouncing(u64),
    /// So many artists have waited too long, such as one for this reason.
    Overdue(u64, String),
    /// A source of hints has failed so often in a row, the last time for this reason.
    Source(SourceName, u32, String),
    /// The last run of a job failed, in these words.
    Job(String, String),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskSpace(room) => write!(
                f,
                "The disk that the database lies on is nearly full: {} of {} MB are left.",
                room.free / 1_000_000,
                room.total / 1_000_000
            ),
            Self::Paused(scope, Pause { cause, .. }) => write!(f, "{cause} ({scope})."),
            Self::MassRefusal(users) => write!(
                f,
                "Spotify says of {users} people at once that their permission has ended, which is not \
                 believed yet."
            ),
            Self::Refused(users) => {
                write!(f, "Spotify refuses {}.", counted(*users, "person", "people"))
            }
            Self::AccessRequests(users) => {
                write!(
                    f,
                    "{} to be entered at Spotify.",
                    counted(*users, "person asks", "people ask")
                )
            }
            Self::NobodyConnected => {
                f.write_str("Nobody is connected to Spotify, so nothing can be asked.")
            }
            Self::Deferred(things, why) => {
                let things = counted(*things, "thing", "things");
                write!(f, "{things} in letters could not be sent yet, lately since: {why}")
            }
            Self::EmailsRefused(things) => {
                write!(
                    f,
                    "{} in letters were refused within two weeks.",
                    counted(*things, "thing", "things")
                )
            }
            Self::Bouncing(users) => {
                write!(f, "Letters to {} come back.", counted(*users, "person", "people"))
            }
            Self::Overdue(artists, why) => {
                write!(
                    f,
                    "{} waited too long, such as one since {why}.",
                    counted(*artists, "artist", "artists")
                )
            }
            Self::Source(source, failures, why) => {
                write!(f, "{source} failed {failures} times in a row, the last time since: {why}")
            }
            Self::Job(job, did) => write!(f, "The last run of {job} failed: {did}"),
        }
    }
}

fn counted(n: u64, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

impl Need {
    /// What to do about it.
    pub fn to_do(&self) -> &'static str {
        match self {
            Self::DiskSpace(_) => {
                "Make room on that disk, or make it larger. Dropday notices by itself."
            }
            Self::Paused(_, Pause { cause: Cause::Premium, .. }) => {
                "Renew Premium for the account that owns the app. It can take some hours until Spotify \
                 lets the app in again; Dropday goes on by itself."
            }
            Self::Paused(_, Pause { cause: Cause::Endpoint, .. }) => {
                "Look for a newer version of Dropday, and at the changes that Spotify tells of. Dropday \
                 asks again every six hours."
            }
            Self::Paused(..) => {
                "Dropday goes on by itself, and asks less for some weeks. If it comes back, lower \
                 spotify.artist_albums_per_day, or look which other apps of your developer account ask."
            }
            Self::MassRefusal(_) => {
                "Most likely you need only wait. Look whether the app is still there and unchanged in \
                 Spotify’s dashboard."
            }
            Self::Refused(_) => {
                "They stand first in the list of people, with the reason. Who is not on the app’s list \
                 must be entered at developer.spotify.com/dashboard, under Settings, User Management."
            }
            Self::AccessRequests(_) => {
                "Enter them at developer.spotify.com/dashboard, under Settings, User Management, if they may \
                 come in, and tell them; then take them off the list under People."
            }
            Self::NobodyConnected => "Ask somebody to sign in again; yourself, for example.",
            Self::Deferred(..) => {
                "They are tried again by themselves. If the reason stays, look at [mail] in the \
                 configuration; dropday check tells whether the server lets Dropday in."
            }
            Self::EmailsRefused(_) => {
                "The reasons stand under Letters. If they speak of spam, policy or the sender, \
                 docs/delivery.md helps; if of a mailbox, its owner must change their address."
            }
            Self::Bouncing(_) => {
                "None are sent there any more. They stand first in the list of people: tell them, if you \
                 can, to type their address again on their page."
            }
            Self::Overdue(..) => {
                "The longest waits are listed under Artists. If calls are what is missing, fewer artists or \
                 a longer schedule.max_wait help; calls cannot be bought."
            }
            Self::Source(..) => {
                "It is asked again by itself, and nothing else waits for it. If it stays, switch it off \
                 under [hints]."
            }
            Self::Job(..) => {
                "It is tried again by itself. If it stays, dropday check tells whether Spotify and the mail \
                 server let Dropday in, and the log says more (journalctl -u dropday, or wherever your log \
                 goes)."
            }
        }
    }
}

/// What needs a hand, the gravest first.
pub(super) fn of(report: &Report) -> Vec<Need> {
    let Status { users, artists, .. } = &report.status;
    let mut needs = Vec::new();
    needs.extend(report.room.filter(|room| room.is_nearly_full()).map(Need::DiskSpace));
    needs.extend(report.status.pauses.iter().filter_map(paused));
    needs.extend(some(users.held).map(Need::MassRefusal));
    needs.extend(some(users.in_trouble.saturating_sub(users.held)).map(Need::Refused));
    needs.extend(some(report.status.access_requests.len() as u64).map(Need::AccessRequests));
    needs.extend((users.all > 0 && users.connected == 0).then_some(Need::NobodyConnected));
    let deferred = some(report.status.deferred).zip(report.status.deferred_because.clone());
    needs.extend(deferred.map(|(things, why)| Need::Deferred(things, why)));
    needs.extend(failing_jobs(&report.status.jobs));
    needs.extend(some(report.refused_lately()).map(Need::EmailsRefused));
    needs.extend(some(users.bouncing).map(Need::Bouncing));
    let overdue = some(artists.overdue).zip(report.status.overdue.first());
    needs.extend(overdue.map(|(n, first)| Need::Overdue(n, first.why.to_string())));
    needs.extend(report.status.hint_sources.iter().filter_map(|health| {
        let (why, _) = health.last_error.as_ref().filter(|_| health.failures >= FAILS_OFTEN)?;
        Some(Need::Source(health.source, health.failures, why.clone()))
    }));
    needs
}

fn some(n: u64) -> Option<u64> {
    (n > 0).then_some(n)
}

/// A rate limit is over within minutes, and an outage is Spotify's.
fn paused((scope, pause): &(String, Pause)) -> Option<Need> {
    match pause.cause {
        Cause::Premium | Cause::Endpoint | Cause::Quota => {
            Some(Need::Paused(scope.clone(), *pause))
        }
        Cause::RateLimit | Cause::Outage => None,
    }
}

fn failing_jobs(runs: &[JobRun]) -> impl Iterator<Item = Need> {
    let last = runs.chunk_by(|one, next| one.job == next.job).filter_map(<[JobRun]>::first);
    last.filter(|run| run.result == RunResult::Failed)
        .map(|run| Need::Job(run.job.clone(), run.did.clone()))
}
