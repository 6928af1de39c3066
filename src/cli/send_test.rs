//! `dropday send-test`, which is also `dropday check --send-to`.

use std::process::ExitCode;

use anyhow::{Context, anyhow};

use crate::app;
use crate::clock::random;
use crate::config::Config;
use crate::domain::user::EmailAddress;
use crate::email::messages::test_email::TestEmail;
use crate::email::smtp::{Mailer, MessageMeta};
use crate::terminal::print_out;

pub(super) async fn run(config: &Config, address: &str) -> anyhow::Result<ExitCode> {
    app::install_crypto();
    let (clock, _) = super::machine();
    let mailer = app::mailer(config, &clock)?;
    print_out(&send(config, &mailer, address).await?);
    Ok(ExitCode::SUCCESS)
}

/// Sends a test email and describes the result.
pub(super) async fn send(
    config: &Config,
    mailer: &Mailer,
    address: &str,
) -> anyhow::Result<String> {
    let to = EmailAddress::parse(address)
        .map_err(|why| anyhow!("{address} is not a valid address: {why}"))?;
    let (clock, rng) = super::machine();
    let now = clock.now();
    let (instance_url, server) = (config.web.public_url.as_str(), &mailer.server());
    let email = TestEmail { instance_url, server, sent_at: now }.email();
    let email = email.context("cannot render the test email")?;
    let id: String = random::<16>(&*rng).iter().map(|byte| format!("{byte:02x}")).collect();
    let stamp = MessageMeta { message_id: format!("<{id}@{}>", mailer.domain()), date: now };
    let sent = mailer.send(&to, &email, &stamp).await;
    mailer.close().await;
    let said = sent?;
    Ok(format!(
        "the mail server accepted it (it said: {said}). If it does not arrive, check spam. If it does, its source \
         should contain spf=pass, dkim=pass and dmarc=pass"
    ))
}
