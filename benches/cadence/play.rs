//! One play: a household that follows so many artists, for a year.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dropday::accounts::sign_in;
use dropday::app;
use dropday::clock::{Clock, ManualClock, SeededChance};
use dropday::config::{self, Config};
use dropday::context::Ctx;
use dropday::demo::hints::{self, Hints};
use dropday::demo::spotify;
use dropday::demo::world::{Endpoint, NewAlbum, World};
use dropday::domain::artist::ArtistId;
use dropday::domain::hint::{Group, Hint, SourceName, Subject};
use dropday::hints::{Answer, Asking, Pace, Source};
use dropday::jobs::{Scope, Watch, check_artists, fetch_hints, sync_follows};
use dropday::store::hints as store_hints;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Coming, Draws, FIRST_DAY, PLAYED_DAYS, WARM_UP_DAYS, imagine};
use crate::delays::Delays;

/// Where the household lives.
const ZONE: &str = "Europe/Berlin";

/// The quota of the fake world: what users measured, and what nobody may pass.
const QUOTA: usize = 100;

/// How often the bell for releases rings while there is something to do.
const BELL: SignedDuration = SignedDuration::from_mins(1);

/// How often the bell for hints rings, as in config/default.toml.
const HINTS_BELL: SignedDuration = SignedDuration::from_mins(15);

/// For so long after a day began there may be turns every minute.
const MORNING: SignedDuration = SignedDuration::from_mins(80);

/// How often turns are looked for where they are spread over the day.
const SPREAD: SignedDuration = SignedDuration::from_mins(19);

/// By what is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Whoever waited longest.
    RoundRobin,
    /// Whoever is worth most.
    Choosing,
    /// The same, with hints that know 75 % of releases, a day late on average.
    ListenBrainz,
    /// The same, with hints that know 97 %, an hour late.
    Deezer,
    /// The same, with hints that know everything at once.
    Oracle,
}

impl Rule {
    pub(crate) const ALL: [Self; 5] =
        [Self::RoundRobin, Self::Choosing, Self::ListenBrainz, Self::Deezer, Self::Oracle];
}

/// What is played.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) artists: usize,
    pub(crate) rule: Rule,
    /// Whether Dropday knows in which zone days begin.
    pub(crate) knows_zone: bool,
    pub(crate) max_wait_days: u64,
    /// Whether artists' rates differ (exponentially) instead of being all the same.
    pub(crate) differ: bool,
    pub(crate) seed: u64,
    /// How many years are played, each with a seed of its own.
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
    /// Words to choose it by.
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

    /// Plays all of its years.
    pub(crate) async fn run_all(&self) -> Delays {
        let mut all = Delays::default();
        for year in 0..self.years {
            all.add(Self { seed: self.seed + 10 * year, ..self.clone() }.run().await);
        }
        all
    }

    async fn run(&self) -> Delays {
        let mut stage = Stage::set(self).await;
        stage.connect().await;
        stage.play().await;
        stage.delays()
    }
}

struct Stage {
    clock: Arc<ManualClock>,
    world: World,
    ctx: Ctx,
    market: TimeZone,
    artists: Vec<String>,
    coming: Vec<Coming>,
    /// The ids of those of `coming` that are out.
    out: Vec<String>,
    folder: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Stage {
    async fn set(play: &Play) -> Self {
        app::install_crypto();
        let market = TimeZone::get(ZONE).expect("a zone");
        let noon = FIRST_DAY.at(12, 0, 0, 0);
        let clock = ManualClock::at(market.to_timestamp(noon).expect("a time"));
        let world = World::new(clock.clone(), SeededChance::new(play.seed));
        world.set_client("demo-client", Some("hush"));
        world.set_artist_albums_quota(Some(QUOTA));
        let catalogues = Hints::of(&world);
        catalogues.set_knowledge(SourceName::ListenBrainz, 75, Duration::from_secs(86_400));
        let (pasts, coming) = imagine(play.artists, play.differ, &market, play.seed);
        let mut artists = Vec::new();
        for (n, past) in pasts.iter().enumerate() {
            let id = world.add_artist(format!("Artist {n}"));
            for (place, date) in past.0.iter().enumerate() {
                world.put_out(&id, NewAlbum::titled(format!("Old {place}")).on(date.to_string()));
            }
            artists.push(id);
        }
        let outside = serve(&world, &catalogues).await;
        let folder = folder(play);
        let config = configure(play, &folder, &outside);
        let ctx = app::build(&config, clock.clone(), SeededChance::new(play.seed + 1));
        let mut ctx = ctx.expect("a Dropday");
        if let Some(friend) = Friend::of(play, &artists, &coming) {
            ctx.hints = vec![Box::new(friend)];
            ctx.cadence.has_hints = true;
        }
        Self { clock, world, ctx, market, artists, coming, out: Vec::new(), folder }
    }

    /// Somebody signs in who follows everybody.
    async fn connect(&self) {
        let user = self.world.add_user("Martha");
        self.artists.iter().for_each(|artist| self.world.follow(user, artist));
        let departure = sign_in::depart(&self.ctx, None, None).await.expect("a trip");
        let back = self.world.consent(departure.authorize_url.as_str(), user).expect("consent");
        let back = url::Url::parse(&back).expect("an address");
        let field = |name: &str| {
            back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let back = sign_in::Return { code: field("code"), state: field("state"), error: None };
        sign_in::arrive(&self.ctx, &back, Some(&departure.browser), None).await.expect("a sign-in");
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        let outcome = sync_follows::pass(&self.ctx, Scope::All, &watch).await.expect("follows");
        assert_eq!(outcome.change.added as usize, self.artists.len(), "{outcome}");
    }

    async fn play(&mut self) {
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        let days = PLAYED_DAYS;
        let end = self.clock.now() + SignedDuration::from_hours(24 * days);
        let mut hints_at = self.clock.now();
        while self.clock.now() < end {
            self.put_out();
            let now = self.clock.now();
            if !self.ctx.hints.is_empty() && now >= hints_at {
                fetch_hints::pass(&self.ctx, &watch).await.expect("hints");
                hints_at = self.clock.now() + HINTS_BELL;
            }
            let outcome = check_artists::pass(&self.ctx, Scope::Due, &watch).await.expect("checks");
            assert!(!outcome.has_failed(), "{outcome}");
            let next = self.next(outcome.checked > 0, hints_at).await;
            if next > self.clock.now() {
                self.clock.set(next);
            }
        }
        assert_eq!(self.out.len(), self.coming.len());
    }

    /// When something may happen next.
    async fn next(&self, has_more: bool, hints_at: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let market = &self.ctx.cadence.market;
        let is_morning =
            market.day_began(now).is_some_and(|began| now.duration_since(began) < MORNING);
        let turns = match market.next_day(now) {
            Some(_) if is_morning => now + BELL,
            Some(day) => day + SignedDuration::from_secs(5),
            None => now + SPREAD,
        };
        let mut next = turns;
        if has_more {
            next = next.min(now + BELL);
        }
        next = next.min(self.coming.get(self.out.len()).map_or(next, |album| album.out_at));
        if !self.ctx.hints.is_empty() {
            next = next.min(hints_at);
            let open = self.ctx.db.read("play", store_hints::next_at).await.expect("hints");
            // A hint that is due already waits for calls.
            next = next.min(open.filter(|at| *at > now).unwrap_or(next));
        }
        next.max(now + SignedDuration::from_secs(1))
    }

    /// What has come out by now is there.
    fn put_out(&mut self) {
        while let Some(album) = self.coming.get(self.out.len()) {
            if album.out_at > self.clock.now() {
                return;
            }
            let new =
                NewAlbum::titled(format!("New {}", self.out.len())).on(album.date.to_string());
            self.out.push(self.world.put_out(&self.artists[album.artist], new));
        }
    }

    fn delays(&self) -> Delays {
        let database = rusqlite::Connection::open(self.ctx.db.path()).expect("the database");
        let sql = "SELECT seen_at FROM sightings WHERE release = ?1 AND is_news";
        let mut seen = database.prepare(sql).expect("a query");
        let counted_from = self.start() + SignedDuration::from_hours(24 * WARM_UP_DAYS);
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
        let requests = self.world.requests();
        let asked = requests.iter().filter(|r| r.endpoint == Endpoint::ArtistAlbums);
        let lock_outs = asked.clone().filter(|request| request.status == 429).count();
        Delays { hours, missed, calls: asked.count(), lock_outs }
    }

    fn start(&self) -> Timestamp {
        self.market.to_timestamp(FIRST_DAY.at(0, 0, 0, 0)).expect("a time")
    }
}

/// A catalogue that answers for everybody at once, without HTTP: what Deezer knows, without the
/// millions of calls that asking it about each artist for a year would take.
struct Friend {
    /// Each with the time from which it is known.
    known: Vec<(Timestamp, Hint)>,
    distance: Duration,
}

impl Friend {
    fn of(play: &Play, artists: &[String], coming: &[Coming]) -> Option<Self> {
        let (percent, late_h, distance) = match play.rule {
            Rule::Deezer => (97.0, 1.0, Duration::from_secs(7_200)),
            Rule::Oracle => (100.0, 0.0, Duration::from_secs(60)),
            _ => return None,
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
        Some(Self { known, distance })
    }
}

impl Source for Friend {
    fn name(&self) -> SourceName {
        SourceName::Deezer
    }

    fn group(&self) -> Group {
        Group::Everyone
    }

    fn pace(&self) -> Pace {
        Pace { batch: 100_000, distance: self.distance }
    }

    fn ask<'a>(&'a self, _: &'a [Subject], now: Timestamp) -> Asking<'a> {
        let lately = now - SignedDuration::from_hours(24 * 3);
        let hints = self.known.iter().filter(|(at, _)| (lately..=now).contains(at));
        let hints = hints.map(|(_, hint)| hint.clone()).collect();
        Box::pin(async move { Ok(Answer { hints, identities: Vec::new() }) })
    }
}

async fn serve(world: &World, catalogues: &Hints) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let router = spotify::router(world.clone(), &base).merge(hints::router(catalogues.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// In memory, if the machine has a place there: a year is some 30,000 checks.
fn folder(play: &Play) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let name = play.name().replace(' ', "-");
    let folder = base.join(format!("dropday-cadence-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn configure(play: &Play, folder: &std::path::Path, outside: &str) -> Config {
    let has_listenbrainz = play.rule == Rule::ListenBrainz;
    let is_robin = play.rule == Rule::RoundRobin;
    let knows_zone = play.knows_zone && !is_robin;
    // Where everybody has waited too long after a day, whoever waited longest is next.
    let days = if is_robin { 1 } else { play.max_wait_days };
    let settings = [
        ("DATABASE__PATH", folder.join("dropday.db").display().to_string()),
        ("SPOTIFY__CLIENT_ID", "demo-client".to_owned()),
        ("SPOTIFY__CLIENT_SECRET", "hush".to_owned()),
        ("SPOTIFY__CATALOG_TOKEN", "app".to_owned()),
        ("SPOTIFY__MARKET", "DE".to_owned()),
        ("SPOTIFY__ACCOUNTS_URL", outside.to_owned()),
        ("SPOTIFY__API_URL", format!("{outside}/v1")),
        ("SCHEDULE__MAX_WAIT", format!("{days}days")),
        ("SCHEDULE__ZONE", if knows_zone { ZONE } else { "unknown" }.to_owned()),
        ("HINTS__ENABLED", has_listenbrainz.to_string()),
        ("HINTS__LISTENBRAINZ_URL", format!("{outside}/listenbrainz")),
        ("HINTS__MUSICBRAINZ_URL", format!("{outside}/musicbrainz")),
        ("MAIL__SMTP_URL", "smtp://127.0.0.1:1".to_owned()),
        ("MAIL__FROM", "Dropday <dropday@example.com>".to_owned()),
    ];
    let environment = settings.map(|(key, value)| (format!("DROPDAY_{key}"), value));
    let empty = folder.join("empty.toml");
    std::fs::write(&empty, "").expect("a file");
    config::load(Some(&empty), environment).expect("a configuration")
}
