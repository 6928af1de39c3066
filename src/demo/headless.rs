//! The demo without a user: the same clicks, each step printed, and the first email of news.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use mail_parser::MessageParser;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use super::catalogue;
use super::inbox::Received;
use super::stage::Stage;
use crate::clock::{Clock, SystemClock};
use crate::store::{Tx, status};
use crate::terminal::say;

/// The address that the play's listener types.
const ADDRESS: &str = "martha@example.org";

/// Nothing in the play takes longer on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Long enough for every artist to be due again.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Plays from the first click to the first email.
///
/// # Errors
/// Where anything does not go as it should.
pub async fn play() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let played = tokio::time::timeout(TIMEOUT, acts(&stage)).await;
    stage.strike().await;
    played.context("the demo took longer than a minute")?
}

async fn acts(stage: &Stage) -> anyhow::Result<()> {
    say(&format!("Dropday runs at {}, the made-up Spotify at {}.", stage.pages(), stage.outside));
    let mut browser = Browser::new()?;
    connect(stage, &mut browser).await?;
    confirm(stage, &mut browser).await?;
    initial_scan(stage).await?;
    let email = first_album(stage).await?;
    ensure!(stage.world.unexpected().is_empty(), "unexpected: {:?}", stage.world.unexpected());
    say("\nThe letter:\n");
    say(&indented(&plain_text(&email)?));
    say("\nDone. To see it with your own eyes: dropday demo");
    Ok(())
}

async fn connect(stage: &Stage, browser: &mut Browser) -> anyhow::Result<()> {
    let to_spotify = browser.get(&format!("{}/login", stage.pages())).await?;
    let authorize = redirect(&to_spotify)?;
    let back = stage.world.consent(&authorize, stage.cast.martha).map_err(anyhow::Error::msg)?;
    say("Martha clicks Connect, and agrees at the made-up Spotify.");
    let arrived = browser.get(&back).await?;
    ensure!(redirect(&arrived)? == "/account", "she should be on her page now");
    Ok(())
}

async fn confirm(stage: &Stage, browser: &mut Browser) -> anyhow::Result<()> {
    let page = browser.get(&format!("{}/account", stage.pages())).await?.text().await?;
    let token = form_token(&page).context("her page has no form")?;
    let form = format!("{}/account/address", stage.pages());
    let taken = browser.post(&form, &[("form", token), ("email", ADDRESS)]).await?;
    ensure!(taken.status().is_redirection(), "her address is not taken");
    say(&format!("She types {ADDRESS}. A letter asks her to confirm it."));
    let text = plain_text(&email(stage, 1).await?)?;
    let link = text.split_whitespace().find(|word| word.contains("/confirm/"));
    let link = link.context("the letter has no link")?;
    ensure!(browser.get(link).await?.status() == StatusCode::OK, "the link opens no page");
    let confirmed = browser.post(link, &[]).await?;
    ensure!(confirmed.status() == StatusCode::OK, "the button confirms nothing");
    email(stage, 2).await?;
    say(
        "She opens its link and presses the button: the address is confirmed, and a welcome comes.",
    );
    Ok(())
}

async fn initial_scan(stage: &Stage) -> anyhow::Result<()> {
    loop {
        let artists = {
            let cadence = stage.ctx.cadence.clone();
            let look = move |tx: &Tx<'_>| status::artists_of(tx, None, &cadence);
            stage.ctx.db.read("demo", look).await?
        };
        if artists.watched > 0 && artists.never_asked == 0 {
            say(&format!(
                "Dropday has looked at the {} artists she follows, {} calls in all. Their back \
                 catalogues are no news: no letter.",
                artists.watched,
                stage.world.count(super::world::Endpoint::ArtistAlbums),
            ));
            return Ok(());
        }
        SystemClock.sleep(LOOK_AGAIN).await;
    }
}

async fn first_album(stage: &Stage) -> anyhow::Result<Received> {
    let martha = stage.world.user(stage.cast.martha).context("Martha is not in the world")?;
    let followed = martha.follows.first().context("Martha follows nobody")?;
    let artist = stage.world.artist(followed).context("she follows somebody unknown")?;
    let mut album = catalogue::next_album(&stage.world, &artist);
    album.date = crate::domain::day_of(stage.clock.now() + A_DAY).to_string();
    say(&format!("A day passes. {} puts out \"{}\".", artist.name, album.title));
    stage.world.put_out(&artist.id, album);
    stage.advance(A_DAY);
    email(stage, 3).await
}

/// The email with this number, when it has come.
async fn email(stage: &Stage, number: usize) -> anyhow::Result<Received> {
    loop {
        let mut emails = stage.inbox.emails_to(ADDRESS);
        if emails.len() > number {
            bail!("{} letters came where {number} were due", emails.len());
        }
        if emails.len() == number {
            return emails.pop().context("the letter is gone");
        }
        SystemClock.sleep(LOOK_AGAIN).await;
    }
}

fn plain_text(email: &Received) -> anyhow::Result<String> {
    let message = MessageParser::default().parse(&email.raw).context("the letter is no letter")?;
    let subject = message.subject().unwrap_or_default();
    let text = message.body_text(0).context("the letter has no plain text")?;
    Ok(format!("Subject: {subject}\n\n{text}"))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

fn redirect(response: &Response) -> anyhow::Result<String> {
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    to.map(str::to_owned).with_context(|| format!("no redirect, but {}", response.status()))
}

/// What the forms of a page carry, so that only it can send them.
fn form_token(page: &str) -> Option<&str> {
    page.split_once(r#"name="form" value=""#)?.1.split('"').next()
}

/// As much of a browser as the play needs: it keeps cookies, and follows nothing by itself.
struct Browser {
    http: Client,
    cookies: Vec<String>,
}

impl Browser {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { http: crate::spotify::http_client("dropday-demo")?, cookies: Vec::new() })
    }

    async fn get(&mut self, url: &str) -> anyhow::Result<Response> {
        let request = self.http.get(url);
        self.send(request).await
    }

    async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> anyhow::Result<Response> {
        let request = self.http.post(url).form(form);
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.header(COOKIE, self.cookies.join("; ")).send().await?;
        let set = response.headers().get_all(SET_COOKIE).iter();
        let set = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        self.cookies.extend(set.map(str::to_owned));
        Ok(response)
    }
}
