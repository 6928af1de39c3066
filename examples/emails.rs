//! Writes a sample of each email to a folder, for screenshots and spam filters.
//!
//! `cargo run --example emails -- FOLDER` writes `NAME.eml` (as the mailer sends it), `NAME.html` and
//! `NAME.txt` for each. With `--dkim-key FILE --dkim-selector NAME` the emails are signed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use dropday::app;
use dropday::clock::SystemClock;
use dropday::domain::user::EmailAddress;
use dropday::email::dkim::DkimSettings;
use dropday::email::smtp::{Mailer, MessageMeta, SmtpSettings};
use dropday::terminal::print_out;

#[path = "../tests/support/email_samples.rs"]
mod samples;

fn main() -> anyhow::Result<()> {
    app::install_crypto();
    let folder = PathBuf::from(std::env::args().nth(1).context("name a folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    let settings = SmtpSettings {
        url: "smtp://127.0.0.1:9".into(),
        from: "Dropday <dropday@example.com>".to_owned(),
        timeout: Duration::from_secs(1),
        connections: 1,
        ca_file: None,
        dkim: dkim()?,
    };
    let mailer = Mailer::new(&settings, Arc::new(SystemClock))?;
    let to = EmailAddress::parse("martha@example.org").context("no address")?;
    for (number, (name, email)) in samples::all().into_iter().enumerate() {
        let message_id = format!("<{:032x}@example.com>", number + 1);
        let stamp = MessageMeta { message_id, date: dropday::clock::Clock::now(&SystemClock) };
        std::fs::write(folder.join(format!("{name}.eml")), mailer.message(&to, &email, &stamp)?)?;
        std::fs::write(folder.join(format!("{name}.html")), &email.html)?;
        std::fs::write(folder.join(format!("{name}.txt")), &email.text)?;
        print_out(&format!("{name}: {}", email.subject));
    }
    Ok(())
}

fn dkim() -> anyhow::Result<Option<DkimSettings>> {
    let Some(file) = argument("--dkim-key") else { return Ok(None) };
    let key = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let selector = argument("--dkim-selector").unwrap_or_else(|| "dropday".to_owned());
    Ok(Some(DkimSettings { selector, domain: None, key: key.into() }))
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
