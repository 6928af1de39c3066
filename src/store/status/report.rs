//! All that the operator sees: one gathering for their page and for `dropday status`.

use super::{Group, History, Need, Page, Standing, Status, Told, calls, emails, needs, of, users};
use crate::domain::check_planner::Settings;
use crate::domain::disk_space::DiskSpace;
use crate::domain::learned_quota::QuotaLockout;
use crate::domain::quota::Bucket;
use crate::store::job_runs::JobRun;
use crate::store::{Result, Tx, allowance};

/// How it stands, with everything that is to be known of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// In numbers.
    pub status: Status,
    /// Calls for artists' albums that the configuration allows in a rolling day.
    pub per_day: u32,
    /// What needs a hand, the gravest first.
    pub needs: Vec<Need>,
    /// What the operator was told lately, the latest first.
    pub told: Vec<Told>,
    /// Users, those first with whom something is amiss.
    pub users: Vec<Standing>,
    /// The calls of the last days.
    pub calls: Vec<History>,
    /// What the last lock-out of artists' albums taught.
    pub quota_lockout: Option<QuotaLockout>,
    /// What is owed, by kind and reason.
    pub pending: Vec<Group>,
    /// Owed things in further groups.
    pub pending_besides: u64,
    /// What was refused lately, by kind and reason.
    pub refused: Vec<Group>,
    /// Refused things in further groups.
    pub refused_besides: u64,
    /// The room on the disk that the database lies on; `None` where the system does not say.
    pub room: Option<DiskSpace>,
}

impl Report {
    /// Calls for artists' albums that are left of the present allowance.
    pub fn calls_left(&self) -> u64 {
        let of_albums = |(bucket, _): &&(Bucket, u64)| *bucket == Bucket::ArtistAlbums;
        let used = self.status.calls.iter().find(of_albums).map_or(0, |(_, used)| *used);
        u64::from(self.status.allowed).saturating_sub(used)
    }

    /// Things in emails that were refused lately.
    pub fn refused_lately(&self) -> u64 {
        self.refused.iter().map(|group| group.count).sum::<u64>() + self.refused_besides
    }

    /// The runs that are kept of each job, the newest first.
    pub fn jobs(&self) -> impl Iterator<Item = &[JobRun]> {
        self.status.jobs.chunk_by(|one, next| one.job == next.job)
    }
}

/// How it stands, with those users that are on `page`.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn report(tx: &Tx<'_>, settings: &Settings, page: Page) -> Result<Report> {
    let ((pending, pending_besides), (refused, refused_besides)) =
        (emails::pending(tx)?, emails::refused(tx)?);
    let mut report = Report {
        status: of(tx, settings)?,
        per_day: settings.calls_per_day,
        needs: Vec::new(),
        told: emails::told(tx)?,
        users: users::standings(tx, page)?,
        calls: calls::by_day(tx)?,
        quota_lockout: allowance::quota_lockout(tx, Bucket::ArtistAlbums)?,
        pending,
        pending_besides,
        refused,
        refused_besides,
        room: tx.disk_space(),
    };
    report.needs = needs::of(&report);
    Ok(report)
}
