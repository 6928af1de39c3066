//! A Dropday in this process with somebody who follows many artists, and axum's "hello" beside it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use dropday::accounts::{feeds, session, sign_in};
use dropday::clock::{ManualClock, SeededChance};
use dropday::config::{self, Config};
use dropday::context::Ctx;
use dropday::demo::spotify;
use dropday::demo::world::{FakeUserId, NewAlbum, World};
use dropday::domain::feed::Form;
use dropday::domain::user::{EmailAddress, UserId};
use dropday::jobs::{Scope, Watch, check_artists, sync_follows};
use dropday::store::{Tx, users};
use dropday::{app, web};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::wrk::Page;

/// The instance, serving.
pub(crate) struct Instance {
    hello: String,
    pages: String,
    cookie: String,
    feed: String,
    calendar: String,
    artists: usize,
    folder: PathBuf,
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
        let world = World::new(clock.clone(), SeededChance::new(1));
        let [martha, otto] = ["Martha", "Otto"].map(|name| world.add_user(name));
        for n in 0..artists + artists / 20 {
            let artist = world.add_artist(format!("Artist {n}"));
            world.put_out(&artist, NewAlbum::titled(format!("Album {n}")).on("2026-10-02"));
            // Somebody else follows others, and some of the same.
            for (user, follows) in [(martha, n < artists), (otto, n >= artists || n % 20 == 0)] {
                if follows {
                    world.follow(user, &artist);
                }
            }
        }
        let outside = serve_world(&world).await;
        let folder = std::env::temp_dir().join(format!("dropday-pages-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let pages = format!("http://{}", listener.local_addr().expect("an address"));
        let operator = world.user(martha).expect("Martha").id;
        let config = configure(&folder, &pages, &outside, &operator);
        let ctx = Arc::new(app::build(&config, clock, SeededChance::new(2)).expect("a Dropday"));
        serve_pages(listener, &ctx, &config);
        connect(&ctx, &world, otto).await;
        let session = connect(&ctx, &world, martha).await;
        let user = session::whose(&ctx, &session).await.expect("a session").expect("Martha").user;
        fill(&ctx, &world, user).await;
        spread(&config.database);
        let feed = feeds::make(&ctx, user, Form::Atom).await.expect("a feed");
        let calendar = feeds::make(&ctx, user, Form::Calendar).await.expect("a calendar");
        let cookie = format!("Cookie: dropday={session}");
        Self { hello: serve_hello().await, pages, cookie, feed, calendar, artists, folder }
    }

    /// What is measured, "hello" first.
    pub(crate) fn pages(&self) -> Vec<Page> {
        let mut pages = vec![Page { name: "axum's hello", url: self.hello.clone(), header: None }];
        let last = self.artists.div_ceil(50);
        let (feed, calendar) =
            (format!("/feed/{}.atom", self.feed), format!("/calendar/{}.ics", self.calendar));
        let (middle, last, last_next) = (
            format!("/artists?page={}", last / 2),
            format!("/artists?page={last}"),
            format!("/artists?sort=next&page={last}"),
        );
        let (cookie, has_it) = (Some(self.cookie.as_str()), Some("If-None-Match: *"));
        for (name, path, header) in [
            ("front page", "/", None),
            ("my page", "/account", cookie),
            ("new albums", "/new", cookie),
            ("artists", "/artists", cookie),
            ("artists, page in the middle", middle.as_str(), cookie),
            ("artists, last page", last.as_str(), cookie),
            ("artists, newest album first", "/artists?sort=last_album", cookie),
            ("artists, longest not checked first", "/artists?sort=checked", cookie),
            ("artists, checked next first", "/artists?sort=next", cookie),
            ("artists, checked next first, last page", last_next.as_str(), cookie),
            ("artists, few found", "/artists?q=artist+77", cookie),
            ("artists, all found", "/artists?q=artist", cookie),
            ("artists, all found, newest album first", "/artists?q=artist&sort=last_album", cookie),
            ("preferences", "/preferences", cookie),
            ("feeds", "/feeds", cookie),
            ("feed", feed.as_str(), None),
            ("feed, unchanged", feed.as_str(), has_it),
            ("calendar", calendar.as_str(), None),
            ("leave", "/leave", cookie),
            ("operator's page", "/operator", cookie),
            ("privacy", "/privacy", None),
            ("stylesheet", "/style.css", None),
        ] {
            let url = format!("{}{path}", self.pages);
            pages.push(Page { name, url, header: header.map(str::to_owned) });
        }
        pages
    }
}

/// Somebody signs in, and their list is read; the session's token.
async fn connect(ctx: &Ctx, world: &World, user: FakeUserId) -> String {
    let departure = sign_in::depart(ctx, None, None).await.expect("a trip");
    let back = world.consent(departure.authorize_url.as_str(), user).expect("consent");
    let back = url::Url::parse(&back).expect("an address");
    let field = |name: &str| {
        back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let back = sign_in::Return { code: field("code"), state: field("state"), error: None };
    let arrival = sign_in::arrive(ctx, &back, Some(&departure.browser), None).await;
    let stop = CancellationToken::new();
    let watch = Watch { stop: &stop, progress: &|_, _| {} };
    sync_follows::pass(ctx, Scope::All, &watch).await.expect("follows");
    arrival.expect("a sign-in").session
}

/// The first look at everybody, and then an album more of every tenth, which is owed to `user`.
async fn fill(ctx: &Ctx, world: &World, user: UserId) {
    let address = EmailAddress::parse("martha@example.com").expect("an address");
    let confirm = move |tx: &Tx<'_>| users::set_address(tx, user, &address);
    ctx.db.write("confirm", confirm).await.expect("an address");
    let stop = CancellationToken::new();
    let watch = Watch { stop: &stop, progress: &|_, _| {} };
    check_artists::pass(ctx, Scope::All, &watch).await.expect("a first look");
    for artist in world.artists().iter().step_by(10) {
        world.put_out(&artist.id, NewAlbum::titled("Out today").on("2026-11-20"));
    }
    check_artists::pass(ctx, Scope::All, &watch).await.expect("a second look");
}

/// Twenty days of checks, as so few calls a day spread them, and who everybody is elsewhere.
fn spread(database: &Path) {
    let database = rusqlite::Connection::open(database).expect("the database");
    let sql = "UPDATE artist_lists SET initial_scan_at = initial_scan_at - 30 * 86400000;
               UPDATE artists SET checked_at = checked_at - abs(random()) % (20 * 86400000);
               UPDATE artists SET next_check_at = checked_at + 86400000;
               INSERT INTO identities (artist, mbid, looked_up_at, look_up_next_at, deezer)
                   SELECT id, lower(hex(randomblob(16))), 0, 0, abs(random()) % 1000000 FROM artists;";
    database.execute_batch(sql).expect("a spread");
}

async fn serve_world(world: &World) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let router = spotify::router(world.clone(), &base);
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

async fn serve_hello() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/", get(|| async { "hello" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn serve_pages(listener: TcpListener, ctx: &Arc<Ctx>, config: &Config) {
    let pages = web::router(Arc::clone(ctx), Arc::default(), &app::web_settings(config));
    tokio::spawn(web::server::run(listener, pages, CancellationToken::new()));
}

fn configure(folder: &Path, pages: &str, outside: &str, operator: &str) -> Config {
    let settings = [
        ("DATABASE__PATH", folder.join("dropday.db").display().to_string()),
        ("WEB__LISTEN", pages.trim_start_matches("http://").to_owned()),
        ("WEB__PUBLIC_URL", pages.to_owned()),
        ("WEB__OPERATORS", operator.to_owned()),
        ("SPOTIFY__CLIENT_ID", "demo-client".to_owned()),
        ("SPOTIFY__ACCOUNTS_URL", outside.to_owned()),
        ("SPOTIFY__API_URL", format!("{outside}/v1")),
        ("SPOTIFY__REQUEST_INTERVAL", "0s".to_owned()),
        ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "100000".to_owned()),
        ("HINTS__ENABLED", "false".to_owned()),
        ("MAIL__SMTP_URL", "smtp://127.0.0.1:9".to_owned()),
        ("MAIL__FROM", "Dropday <dropday@example.com>".to_owned()),
    ];
    let environment = settings.map(|(key, value)| (format!("DROPDAY_{key}"), value));
    let empty = folder.join("empty.toml");
    std::fs::write(&empty, "").expect("a file");
    config::load(Some(&empty), environment).expect("a configuration")
}
