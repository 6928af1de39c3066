//! A Dropday in this process with a user who follows many artists, and axum's "hello" beside it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::test_clock::{ManualClock, SeededRng};
use axum::Router;
use axum::routing::get;
use dropday::accounts::{feeds, session};
use dropday::config::Config;
use dropday::context::Ctx;
use dropday::demo::inbox::InboxSettings;
use dropday::demo::services::{Services, load_config, serve};
use dropday::demo::world::{NewAlbum, World};
use dropday::domain::feed::Form;
use dropday::domain::user::{EmailAddress, UserId};
use dropday::jobs::{RunControl, Scope, check_artists, sync_follows};
use dropday::store::{Tx, users};
use dropday::{app, web};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::wrk::Page;

/// A running instance.
pub(crate) struct Instance {
    hello: String,
    pages: String,
    cookie: String,
    feed: String,
    calendar: String,
    artists: usize,
    folder: PathBuf,
    _hello: AbortOnDropHandle<()>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Instance {
    pub(crate) async fn build(artists: usize) -> Self {
        app::install_crypto();
        let clock = ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time"));
        let services = Services::start(clock.clone(), SeededRng::new(1), InboxSettings::default());
        let services = services.await.expect("free ports");
        let world = &services.world;
        let [martha, otto] = ["Martha", "Otto"].map(|name| world.add_user(name));
        for n in 0..artists + artists / 20 {
            let artist = world.add_artist(format!("Artist {n}"));
            world.publish(&artist, NewAlbum::titled(format!("Album {n}")).on("2026-10-02"));
            // Otto follows other artists, and some of the same.
            for (user, follows) in [(martha, n < artists), (otto, n >= artists || n % 20 == 0)] {
                if follows {
                    world.follow(user, &artist);
                }
            }
        }
        let folder = std::env::temp_dir().join(format!("dropday-pages-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let listen = listener.local_addr().expect("an address");
        let operator = world.user(martha).expect("Martha").id;
        let settings = [
            ("WEB__OPERATORS", operator.as_str()),
            ("SPOTIFY__REQUEST_INTERVAL", "0s"),
            ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "100000"),
            ("HINTS__ENABLED", "false"),
        ];
        let config = load_config(&folder, services.environment(&folder, listen), &settings);
        let config = config.expect("a configuration");
        let ctx = Arc::new(app::build(&config, clock, SeededRng::new(2)).expect("a Dropday"));
        serve_pages(listener, &ctx, &config);
        services.sign_in(&ctx, otto).await.expect("a sign-in");
        let session = services.sign_in(&ctx, martha).await.expect("a sign-in");
        let user =
            session::authenticate(&ctx, &session).await.expect("a session").expect("Martha").user;
        fill(&ctx, world, user).await;
        spread(&config.database);
        let feed = feeds::make(&ctx, user, Form::Atom).await.expect("a feed");
        let calendar = feeds::make(&ctx, user, Form::Calendar).await.expect("a calendar");
        let cookie = format!("Cookie: dropday={session}");
        let hello = |_: &str| Router::new().route("/", get(|| async { "hello" }));
        let (hello, _hello) = serve(hello).await.expect("a port");
        let pages = format!("http://{listen}");
        Self { hello, pages, cookie, feed, calendar, artists, folder, _hello }
    }

    /// The pages to measure, "hello" first.
    pub(crate) fn pages(&self) -> Vec<Page> {
        let mut pages = vec![Page { name: "axum's hello", url: self.hello.clone(), header: None }];
        let last = self.artists.div_ceil(50);
        let (feed, calendar) =
            (format!("/feed/{}.atom", self.feed), format!("/calendar/{}.ics", self.calendar));
        let (middle, last, last_checked) = (
            format!("/artists?page={}", last / 2),
            format!("/artists?page={last}"),
            format!("/artists?sort=checked&page={last}"),
        );
        let (cookie, has_it) = (Some(self.cookie.as_str()), Some("If-None-Match: *"));
        for (name, path, header) in [
            ("front page", "/", None),
            ("my page", "/account", cookie),
            ("new albums", "/releases", cookie),
            ("artists", "/artists", cookie),
            ("artists, page in the middle", middle.as_str(), cookie),
            ("artists, last page", last.as_str(), cookie),
            ("artists, newest album first", "/artists?sort=last_album", cookie),
            ("artists, longest not checked first", "/artists?sort=checked", cookie),
            ("artists, longest not checked first, last page", last_checked.as_str(), cookie),
            ("artists, few found", "/artists?q=artist+77", cookie),
            ("artists, all found", "/artists?q=artist", cookie),
            ("artists, all found, newest album first", "/artists?q=artist&sort=last_album", cookie),
            ("preferences", "/preferences", cookie),
            ("feeds", "/feeds", cookie),
            ("feed", feed.as_str(), None),
            ("feed, unchanged", feed.as_str(), has_it),
            ("calendar", calendar.as_str(), None),
            ("leave", "/leave", cookie),
            ("operator's page", "/admin", cookie),
            ("privacy", "/privacy", None),
            ("stylesheet", "/style.css", None),
        ] {
            let url = format!("{}{path}", self.pages);
            pages.push(Page { name, url, header: header.map(str::to_owned) });
        }
        pages
    }
}

/// Syncs the follows, checks all artists, and adds an album of every tenth artist as news for `user`.
async fn fill(ctx: &Ctx, world: &World, user: UserId) {
    let address = EmailAddress::parse("martha@example.com").expect("an address");
    let confirm = move |tx: &Tx<'_>| users::set_address(tx, user, &address);
    ctx.db.write("confirm", confirm).await.expect("an address");
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    sync_follows::run(ctx, Scope::All, &watch).await.expect("follows");
    check_artists::run(ctx, Scope::All, &watch).await.expect("first checks");
    for artist in world.artists().iter().step_by(10) {
        world.publish(&artist.id, NewAlbum::titled("Out today").on("2026-11-20"));
    }
    check_artists::run(ctx, Scope::All, &watch).await.expect("second checks");
}

/// Spreads the checks over twenty days, as a real quota does, with 100 calls in the last day, and gives every
/// artist an identity in the open catalogues.
fn spread(database: &Path) {
    let database = rusqlite::Connection::open(database).expect("the database");
    let sql = "UPDATE artist_lists SET initial_scan_at = initial_scan_at - 30 * 86400000;
               UPDATE artists SET checked_at = checked_at - abs(random()) % (20 * 86400000);
               UPDATE artists SET next_check_at = checked_at + 86400000;
               UPDATE api_calls SET at = at - 2 * 86400000 WHERE id > 100;
               INSERT INTO identities (artist, mbid, looked_up_at, look_up_next_at, deezer)
                   SELECT id, lower(hex(randomblob(16))), 0, 0, abs(random()) % 1000000 FROM artists;";
    database.execute_batch(sql).expect("a spread");
}

fn serve_pages(listener: TcpListener, ctx: &Arc<Ctx>, config: &Config) {
    let pages = web::router(Arc::clone(ctx), Arc::default(), &app::web_settings(config));
    tokio::spawn(web::server::run(listener, pages, CancellationToken::new()));
}
