//! One simulation: one user who follows all artists, for a year.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::test_clock::{ManualClock, SeededRng};
use dropday::app;
use dropday::clock::Clock;
use dropday::config::Config;
use dropday::context::Ctx;
use dropday::demo::inbox::InboxSettings;
use dropday::demo::services::{Services, free_address, load_config};
use dropday::demo::world::{Endpoint, NewAlbum};
use dropday::domain::artist::ArtistId;
use dropday::domain::hint::{Group, Hint, SourceName, Subject};
use dropday::hints::{Answer, Asking, Source, SourceInfo};
use dropday::jobs::{RunControl, Scope, check_artists, fetch_hints, sync_follows};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Coming, Draws, FIRST_DAY, PLAYED_DAYS, WARM_UP_DAYS, imagine};
use crate::delays::Delays;

/// The zone of the market.
const ZONE: &str = "Europe/Berlin";

/// The quota of the fake Spotify, as users measured it.
const QUOTA: usize = 100;

/// The interval between two runs of the release job while there is work.
const RELEASES_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// The interval of the hints job, as in config/default.toml.
const HINTS_INTERVAL: SignedDuration = SignedDuration::from_mins(15);

/// For this long after a day began, checks may be due every minute.
const MORNING: SignedDuration = SignedDuration::from_mins(80);

/// The interval at which checks become due if they are spread over the day.
const SPREAD: SignedDuration = SignedDuration::from_mins(19);

/// How the next artist is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The artist that was not checked for the longest time.
    RoundRobin,
    /// The artist with the highest score.
    Choosing,
    /// The same, with hints for 75 % of releases, a day late on average.
    ListenBrainz,
    /// The same, with hints for 97 %, an hour late.
    Deezer,
    /// The same, with hints for all releases at once.
    Oracle,
}

impl Rule {
    pub(crate) const ALL: [Self; 5] =
        [Self::RoundRobin, Self::Choosing, Self::ListenBrainz, Self::Deezer, Self::Oracle];
}

/// What is simulated.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) artists: usize,
    pub(crate) rule: Rule,
    /// Whether Dropday knows the zone of the market.
    pub(crate) knows_zone: bool,
    pub(crate) max_wait_days: u64,
    /// Whether the artists' rates are exponentially distributed instead of equal.
    pub(crate) differ: bool,
    pub(crate) seed: u64,
    /// How many years are simulated, each with its own seed.
    pub(crate) years: u64,
}

impl Default for Play {
    fn default() -> Self {
        let rule = Rule::Choosing;
        Self {
            artists: 150,
            rule,
            knows_zone: true,
            max_wait_days: 21,
            differ: false,
            seed: 0,
            years: 1,
        }
    }
}

impl Play {
    /// Words to select it by.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.artists, self.title().replace([',', '%'], " "))
    }

    pub(crate) fn title(&self) -> String {
        let mut title = match self.rule {
            Rule::RoundRobin => "round robin",
            Rule::Choosing => "choosing, no hints",
            Rule::ListenBrainz => "hints 75 %, a day late",
            Rule::Deezer => "hints 97 %, an hour late",
            Rule::Oracle => "oracle",
        }
        .to_owned();
        for (is_so, what) in [
            (!self.knows_zone, ", zone unknown".to_owned()),
            (self.max_wait_days != 21, format!(", max_wait {}", self.max_wait_days)),
            (self.differ, ", rates differ".to_owned()),
        ] {
            if is_so {
                title += &what;
            }
        }
        title
    }

    /// Simulates all years.
    pub(crate) async fn run_all(&self) -> Delays {
        let mut all = Delays::default();
        for year in 0..self.years {
            all.add(Self { seed: self.seed + 10 * year, ..self.clone() }.run().await);
        }
        all
    }

    async fn run(&self) -> Delays {
        let mut simulation = Simulation::start(self).await;
        simulation.sign_in().await;
        simulation.run().await;
        simulation.delays()
    }
}

struct Simulation {
    clock: Arc<ManualClock>,
    services: Services,
    ctx: Ctx,
    market: TimeZone,
    artists: Vec<String>,
    coming: Vec<Coming>,
    /// The ids of those of `coming` that are out.
    out: Vec<String>,
    folder: PathBuf,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Simulation {
    async fn start(play: &Play) -> Self {
        app::install_crypto();
        let market = TimeZone::get(ZONE).expect("a zone");
        let noon = FIRST_DAY.at(12, 0, 0, 0);
        let clock = ManualClock::at(market.to_timestamp(noon).expect("a time"));
        let rng = SeededRng::new(play.seed);
        let services = Services::start(clock.clone(), rng, InboxSettings::default());
        let services = services.await.expect("free ports");
        let world = &services.world;
        world.set_client_secret("hush");
        world.set_artist_albums_quota(Some(QUOTA));
        let (pasts, coming) = imagine(play.artists, play.differ, &market, play.seed);
        let mut artists = Vec::new();
        for (n, past) in pasts.iter().enumerate() {
            let id = world.add_artist(format!("Artist {n}"));
            for (place, date) in past.0.iter().enumerate() {
                world.publish(&id, NewAlbum::titled(format!("Old {place}")).on(date.to_string()));
            }
            artists.push(id);
        }
        let folder = folder(play);
        let config = configure(play, &folder, &services).await;
        let ctx = app::build(&config, clock.clone(), SeededRng::new(play.seed + 1));
        let mut ctx = ctx.expect("a Dropday");
        if let Some(source) = SimulatedSource::new(play, &artists, &coming) {
            ctx.hints = vec![Box::new(source)];
            ctx.cadence.has_hints = true;
        }
        Self { clock, services, ctx, market, artists, coming, out: Vec::new(), folder }
    }

    /// Signs in a user who follows all artists.
    async fn sign_in(&self) {
        let world = &self.services.world;
        let user = world.add_user("Martha");
        self.artists.iter().for_each(|artist| world.follow(user, artist));
        self.services.sign_in(&self.ctx, user).await.expect("a sign-in");
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        let outcome = sync_follows::run(&self.ctx, Scope::All, &watch).await.expect("follows");
        assert_eq!(outcome.change.added as usize, self.artists.len(), "{outcome}");
    }

    async fn run(&mut self) {
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        let days = PLAYED_DAYS;
        let end = self.clock.now() + SignedDuration::from_hours(24 * days);
        let mut hints_at = self.clock.now();
        while self.clock.now() < end {
            self.publish();
            let now = self.clock.now();
            if !self.ctx.hints.is_empty() && now >= hints_at {
                fetch_hints::run(&self.ctx, &watch).await.expect("hints");
                hints_at = self.clock.now() + HINTS_INTERVAL;
            }
            let outcome = check_artists::run(&self.ctx, Scope::Due, &watch).await.expect("checks");
            assert!(!outcome.has_failed(), "{outcome}");
            let next = self.next(outcome.checked > 0, hints_at).await;
            if next > self.clock.now() {
                self.clock.set(next);
            }
        }
        assert_eq!(self.out.len(), self.coming.len());
    }

    /// The next time at which something can happen.
    async fn next(&self, has_more: bool, hints_at: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let market = &self.ctx.cadence.market;
        let is_morning =
            market.day_began(now).is_some_and(|began| now.duration_since(began) < MORNING);
        // A day has at most 25 hours.
        let next_day = market
            .day_began(now)
            .and_then(|began| market.day_began(began + SignedDuration::from_hours(26)));
        let turns = match next_day {
            Some(_) if is_morning => now + RELEASES_INTERVAL,
            Some(day) => day + SignedDuration::from_secs(5),
            None => now + SPREAD,
        };
        let mut next = turns;
        if has_more {
            next = next.min(now + RELEASES_INTERVAL);
        }
        next = next.min(self.coming.get(self.out.len()).map_or(next, |album| album.out_at));
        if !self.ctx.hints.is_empty() {
            next = next.min(hints_at);
            let open = self.next_hint();
            // Hints that are already due wait for calls.
            next = next.min(open.filter(|at| *at > now).unwrap_or(next));
        }
        next.max(now + SignedDuration::from_secs(1))
    }

    /// When the next open hint asks for a check.
    fn next_hint(&self) -> Option<Timestamp> {
        let sql = "SELECT min(next_at) FROM hints WHERE state = 'open'";
        let conn = Connection::open(self.ctx.db.path()).expect("the database");
        let next: Option<i64> = conn.query_row(sql, [], |row| row.get(0)).expect("hints");
        next.map(|at| Timestamp::from_millisecond(at).expect("a time"))
    }

    /// Releases the albums that are due.
    fn publish(&mut self) {
        while let Some(album) = self.coming.get(self.out.len()) {
            if album.out_at > self.clock.now() {
                return;
            }
            let new =
                NewAlbum::titled(format!("New {}", self.out.len())).on(album.date.to_string());
            self.out.push(self.services.world.publish(&self.artists[album.artist], new));
        }
    }

    fn delays(&self) -> Delays {
        let database = rusqlite::Connection::open(self.ctx.db.path()).expect("the database");
        let sql = "SELECT seen_at FROM artist_releases WHERE release = ?1 AND is_news";
        let mut seen = database.prepare(sql).expect("a query");
        let counted_from = self.first_midnight() + SignedDuration::from_hours(24 * WARM_UP_DAYS);
        let (mut hours, mut missed) = (Vec::new(), 0);
        for (album, id) in self.coming.iter().zip(&self.out) {
            if album.out_at < counted_from {
                continue;
            }
            match seen.query_row([id], |row| row.get::<_, i64>(0)) {
                Ok(at) => hours.push((at - album.out_at.as_millisecond()) as f64 / 3_600_000.0),
                Err(_) => missed += 1,
            }
        }
        hours.sort_unstable_by(f64::total_cmp);
        let requests = self.services.world.requests();
        let asked = requests.iter().filter(|r| r.endpoint == Endpoint::ArtistAlbums);
        let lock_outs = asked.clone().filter(|request| request.status == 429).count();
        Delays { hours, missed, calls: asked.count(), lock_outs }
    }

    fn first_midnight(&self) -> Timestamp {
        self.market.to_timestamp(FIRST_DAY.at(0, 0, 0, 0)).expect("a time")
    }
}

/// A catalogue that answers for all artists at once, without HTTP: real sources would take millions of
/// calls a year.
struct SimulatedSource {
    /// Hints, with the time from which each is known.
    known: Vec<(Timestamp, Hint)>,
    interval: Duration,
}

impl SimulatedSource {
    fn new(play: &Play, artists: &[String], coming: &[Coming]) -> Option<Self> {
        let (percent, late_h, interval) = match play.rule {
            Rule::RoundRobin | Rule::Choosing => return None,
            Rule::ListenBrainz => (75.0, 24.0, Duration::from_secs(6 * 3_600)),
            Rule::Deezer => (97.0, 1.0, Duration::from_secs(7_200)),
            Rule::Oracle => (100.0, 0.0, Duration::from_secs(60)),
        };
        let mut draws = Draws::new(play.seed + 2);
        let mut known = Vec::new();
        for (n, album) in coming.iter().enumerate() {
            let (chosen, late) = (draws.fraction() * 100.0, draws.exponential() * late_h * 3600.0);
            let artist = ArtistId::parse(&artists[album.artist]).expect("an id");
            let (source, released) = (SourceName::Deezer, Some(album.date));
            let hint = Hint { artist, source, key: n.to_string(), released };
            if chosen < percent {
                known.push((album.out_at + SignedDuration::from_secs(late as i64), hint));
            }
        }
        known.sort_by_key(|(at, _)| *at);
        Some(Self { known, interval })
    }
}

impl Source for SimulatedSource {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            name: SourceName::Deezer,
            group: Group::Everyone,
            batch: 100_000,
            interval: self.interval,
        }
    }

    fn ask<'a>(&'a self, _: &'a [Subject], now: Timestamp) -> Asking<'a> {
        let recent = now - SignedDuration::from_hours(24 * 3);
        let hints = self.known.iter().filter(|(at, _)| (recent..=now).contains(at));
        let hints = hints.map(|(_, hint)| hint.clone()).collect();
        Box::pin(async move { Ok(Answer { hints, identities: Vec::new() }) })
    }
}

/// In memory if possible: a year has about 30,000 checks.
fn folder(play: &Play) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let name = play.name().replace(' ', "-");
    let folder = base.join(format!("dropday-cadence-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

async fn configure(play: &Play, folder: &Path, services: &Services) -> Config {
    let is_robin = play.rule == Rule::RoundRobin;
    let knows_zone = play.knows_zone && !is_robin;
    // After a day all artists are overdue, so that the one that waited longest is next.
    let max_check_interval = format!("{}days", if is_robin { 1 } else { play.max_wait_days });
    let settings = [
        ("SPOTIFY__CLIENT_SECRET", "hush"),
        ("SPOTIFY__CATALOG_TOKEN", "app"),
        ("SPOTIFY__MARKET", "DE"),
        ("SCHEDULE__MAX_CHECK_INTERVAL", &max_check_interval),
        ("SCHEDULE__ZONE", if knows_zone { ZONE } else { "unknown" }),
        ("HINTS__ENABLED", "false"),
    ];
    let listen = free_address().await.expect("a port");
    let environment = services.environment(folder, listen);
    load_config(folder, environment, &settings).expect("a configuration")
}
