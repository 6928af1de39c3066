//! The fake services that Dropday talks to, on one address, and the configuration to use them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::hints::{self, Hints};
use super::inbox::{self, Inbox, InboxSettings};
use super::spotify;
use super::world::{FakeUserId, World, field};
use crate::accounts::sign_in;
use crate::clock::{Clock, Rng};
use crate::config::{self, Config};
use crate::context::Ctx;

/// Running services. They stop when this is dropped.
pub struct Services {
    pub world: World,
    pub catalogues: Hints,
    pub inbox: Inbox,
    /// The address of all of them but the mail server.
    pub url: String,
    _server: AbortOnDropHandle<()>,
}

impl Services {
    /// Starts the services with an empty world, on free ports.
    pub async fn start(
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        inbox: InboxSettings,
    ) -> io::Result<Self> {
        let world = World::new(Arc::clone(&clock), rng);
        let (catalogues, inbox) = (Hints::for_world(&world), Inbox::start(clock, inbox).await?);
        let (world_, catalogues_, inbox_) = (world.clone(), catalogues.clone(), inbox.clone());
        let (url, server) = serve(|url| {
            spotify::router(world_, url)
                .merge(hints::router(catalogues_))
                .merge(inbox::page::router(inbox_))
        })
        .await?;
        Ok(Self { world, catalogues, inbox, url, _server: server })
    }

    /// The environment variables of a Dropday that uses these services, keeps its database in
    /// `folder` and listens at `listen`.
    pub fn environment(&self, folder: &Path, listen: SocketAddr) -> Vec<(String, String)> {
        environment(folder, &listen.to_string(), &self.url, &self.inbox.url())
    }

    /// Signs a user in without a browser. Returns the value of the session cookie.
    pub async fn sign_in(&self, ctx: &Ctx, user: FakeUserId) -> anyhow::Result<String> {
        let redirect = sign_in::begin_sign_in(ctx, None, None).await?;
        let back = self.world.consent(redirect.authorize_url.as_str(), user);
        let back: url::Url = back.map_err(anyhow::Error::msg)?.parse()?;
        let field = |name| field(back.query().unwrap_or_default(), name);
        let back =
            sign_in::CallbackParams { code: field("code"), state: field("state"), error: None };
        let session = sign_in::complete_sign_in(ctx, &back, Some(&redirect.browser), None).await;
        session.context("cannot sign in")
    }
}

/// The environment variables of a Dropday with these addresses and its database in `folder`.
pub fn environment(
    folder: &Path,
    listen: &str,
    services: &str,
    smtp_url: &str,
) -> Vec<(String, String)> {
    [
        ("DATABASE__PATH", folder.join("dropday.db").display().to_string()),
        ("WEB__LISTEN", listen.to_owned()),
        ("WEB__PUBLIC_URL", format!("http://{listen}")),
        ("SPOTIFY__CLIENT_ID", "demo-client".to_owned()),
        ("SPOTIFY__ACCOUNTS_URL", services.to_owned()),
        ("SPOTIFY__API_URL", format!("{services}/v1")),
        ("HINTS__LISTENBRAINZ_URL", format!("{services}/listenbrainz")),
        ("HINTS__MUSICBRAINZ_URL", format!("{services}/musicbrainz")),
        ("HINTS__DEEZER_URL", format!("{services}/deezer")),
        ("MAIL__SMTP_URL", smtp_url.to_owned()),
        ("MAIL__FROM", "Dropday <dropday@example.com>".to_owned()),
        ("MAIL__BATCH_WINDOW", "0s".to_owned()),
    ]
    .map(|(key, value)| (format!("DROPDAY_{key}"), value))
    .into()
}

/// The configuration with this environment and more settings, as `("SPOTIFY__MARKET", "DE")`.
pub fn load_config(
    folder: &Path,
    environment: Vec<(String, String)>,
    settings: &[(&str, &str)],
) -> anyhow::Result<Config> {
    let settings = settings.iter().map(|(key, value)| (format!("DROPDAY_{key}"), (*value).into()));
    // An empty file, so that the configuration of this machine is not read.
    let file = folder.join("dropday.toml");
    std::fs::write(&file, "")?;
    Ok(config::load(Some(&file), environment.into_iter().chain(settings))?)
}

/// Serves a router that needs its own address, on a free port.
pub async fn serve(
    router: impl FnOnce(&str) -> Router,
) -> io::Result<(String, AbortOnDropHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = router(&url);
    let server = tokio::spawn(async move {
        // Ends when it is aborted.
        let _ = axum::serve(listener, router).await;
    });
    Ok((url, AbortOnDropHandle::new(server)))
}

/// A free local address.
pub async fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}
