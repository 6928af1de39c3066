//! What use cases work with.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::Url;

use crate::clock::{Clock, Rng, fraction};
use crate::domain::backoff::Backoff;
use crate::domain::check_planner;
use crate::domain::instance::Instance;
use crate::domain::user::EmailAddress;
use crate::email::smtp::Mailer;
use crate::gateway::Gateway;
use crate::hints::Source;
use crate::metrics::Metrics;
use crate::store::Db;

/// Passed to every job and every account action.
pub struct Ctx {
    pub db: Db,
    pub gateway: Gateway,
    /// Open catalogues. Empty if hints are disabled.
    pub hints: Vec<Box<dyn Source>>,
    pub mailer: Mailer,
    /// Who receives alerts.
    pub operator: Option<EmailAddress>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// The base of links in emails.
    pub public_url: Url,
    /// Sign-up policy and operators.
    pub instance: Instance,
    /// The domain of Message-IDs.
    pub mail_domain: String,
    /// The time that sending one email may take.
    pub email_timeout: Duration,
    /// How long an immediate email waits for further news.
    pub batch_window: SignedDuration,
    /// The time zone of users who have not chosen one.
    pub zone: TimeZone,
    /// How the daily quota of `artist-albums` calls is spent.
    pub cadence: check_planner::Settings,
    pub metrics: Arc<Metrics>,
}

impl Ctx {
    /// The full URL of a page such as `/account`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// How long to wait after `failures` failures in a row.
    pub fn backoff(&self, ladder: Backoff, failures: u32) -> Duration {
        ladder.wait(failures, fraction(&*self.rng))
    }
}
