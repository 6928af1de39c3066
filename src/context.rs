//! What the use cases work with: handed to them whole, so that none reaches for the ambient.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::Url;

use crate::clock::{Chance, Clock, fraction};
use crate::domain::backoff::Backoff;
use crate::domain::cadence;
use crate::domain::house::House;
use crate::domain::user::EmailAddress;
use crate::email::smtp::Mailer;
use crate::gateway::Gateway;
use crate::hints::Source;
use crate::metrics::Metrics;
use crate::store::Db;

/// What every pass and every account action works with.
pub struct Ctx {
    /// The database.
    pub db: Db,
    /// The way to Spotify.
    pub gateway: Gateway,
    /// Open catalogues that may know of a release first; none where hints are switched off.
    pub hints: Vec<Box<dyn Source>>,
    /// The way to users.
    pub mailer: Mailer,
    /// Whom to tell what needs a hand.
    pub operator: Option<EmailAddress>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Chance>,
    /// Where the pages are, for the links in emails.
    pub public_url: Url,
    /// Who may sign up, and who keeps the house.
    pub house: House,
    /// The domain that Message-IDs end in.
    pub mail_domain: String,
    /// How long the sending of one email may take.
    pub email_timeout: Duration,
    /// News to those who want it at once waits for company for so long.
    pub together: SignedDuration,
    /// Where most users are: the zone that somebody has who has not chosen one.
    pub zone: TimeZone,
    /// How the day's calls for artists' albums are spent.
    pub cadence: cadence::Settings,
    /// What is counted for `/metrics`.
    pub metrics: Arc<Metrics>,
}

impl Ctx {
    /// The address of one of our pages, such as `/account`.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// How long to wait after `failures` failures in a row.
    pub fn wait(&self, ladder: Backoff, failures: u32) -> Duration {
        ladder.wait(failures, fraction(&*self.chance))
    }
}
