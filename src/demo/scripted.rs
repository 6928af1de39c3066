//! The demo without users: signs a user up and waits for the first email about a new album.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::StatusCode;

use super::browser::Browser;
use super::catalogue;
use super::inbox::Email;
use super::runner::Demo;
use super::world::Endpoint;
use crate::clock::{Clock, SystemClock};
use crate::domain::day_of;
use crate::store::{Tx, status};
use crate::terminal::print_out;

const ADDRESS: &str = "martha@example.org";

/// Enough for a slow machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// After this time all artists are due for a check again.
const ONE_DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs the script. Fails if anything is not as expected.
pub async fn run() -> anyhow::Result<()> {
    let demo = Demo::start().await?;
    let ended = tokio::time::timeout(TIMEOUT, script(&demo)).await;
    demo.stop().await;
    ended.context("the demo took longer than a minute")?
}

async fn script(demo: &Demo) -> anyhow::Result<()> {
    let (url, services) = (demo.url(), &demo.services);
    print_out(&format!("Dropday runs at {url}, the fake Spotify at {}.", services.url));
    let browser = Browser::new(&url)?;
    browser.sign_in(&services.world, demo.users.martha).await?;
    print_out("Martha clicks Connect and agrees at the fake Spotify.");
    confirm_address(demo, &browser).await?;
    wait_for_first_checks(demo).await?;
    let email = release_album(demo).await?;
    let unexpected = services.world.unexpected();
    ensure!(unexpected.is_empty(), "unexpected requests: {unexpected:?}");
    let text = format!("Subject: {}\n\n{}", email.subject, email.text);
    let lines = text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n");
    print_out(&format!("\nThe email:\n\n{}", lines.collect::<String>()));
    print_out("\nDone. To try it yourself, run: dropday demo");
    Ok(())
}

async fn confirm_address(demo: &Demo, browser: &Browser) -> anyhow::Result<()> {
    let page = browser.get("/account").await?;
    let token = page.form_token().context("the account page has no form")?;
    let saved = browser.post("/account/address", &[("form", token), ("email", ADDRESS)]).await?;
    ensure!(saved.status.is_redirection(), "the address is not accepted");
    print_out(&format!("She enters {ADDRESS}. An email asks her to confirm it."));
    let link = wait_for_email(demo, 1).await?.link("/confirm/");
    ensure!(browser.get(&link).await?.status == StatusCode::OK, "the link opens no page");
    let confirmed = browser.post(&link, &[]).await?;
    ensure!(confirmed.status == StatusCode::OK, "the button does not confirm the address");
    wait_for_email(demo, 2).await?;
    print_out(
        "She opens the link and presses the button. The address is confirmed, and a welcome email \
         arrives.",
    );
    Ok(())
}

async fn wait_for_first_checks(demo: &Demo) -> anyhow::Result<()> {
    loop {
        let cadence = demo.ctx.cadence.clone();
        let query = move |tx: &Tx<'_>| status::artists_of(tx, None, &cadence);
        let artists = demo.ctx.db.read("demo", query).await?;
        if artists.tracked > 0 && artists.never_checked == 0 {
            print_out(&format!(
                "Dropday has checked the {} artists she follows, with {} requests. Albums that are \
                 already out are not news: no email.",
                artists.tracked,
                demo.services.world.count(Endpoint::ArtistAlbums),
            ));
            return Ok(());
        }
        SystemClock.sleep(POLL_INTERVAL).await;
    }
}

async fn release_album(demo: &Demo) -> anyhow::Result<Email> {
    let world = &demo.services.world;
    let martha = world.user(demo.users.martha).context("Martha is missing")?;
    let followed = martha.follows.first().context("Martha follows no artist")?;
    let artist = world.artist(followed).context("Martha follows an unknown artist")?;
    let mut album = catalogue::next_album(world, &artist);
    album.date = day_of(demo.clock.now() + ONE_DAY).to_string();
    print_out(&format!("A day passes. {} releases \"{}\".", artist.name, album.title));
    world.publish(&artist.id, album);
    demo.advance(ONE_DAY);
    wait_for_email(demo, 3).await
}

/// Waits for the email with this number, which must be the latest.
async fn wait_for_email(demo: &Demo, number: usize) -> anyhow::Result<Email> {
    loop {
        let mut emails = demo.services.inbox.emails_to(ADDRESS);
        match emails.pop() {
            Some(email) if emails.len() + 1 == number => return Ok(email),
            Some(_) if emails.len() >= number => bail!("more than {number} emails arrived"),
            _ => SystemClock.sleep(POLL_INTERVAL).await,
        }
    }
}
