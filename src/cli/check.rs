//! `dropday check`: what is wrong, each with its remedy.

use std::process::ExitCode;

use super::{dns, send_test};
use crate::config::{Config, ConfigError};
use crate::store::Db;
use crate::terminal::say;
use crate::{app, schedule};

/// What is looked at, as the report names it.
struct Report {
    has_failed: bool,
}

impl Report {
    fn good(&mut self, what: &str, how: &str) {
        say(&format!("ok    {what}: {how}"));
    }

    fn note(&mut self, what: &str, how: &str) {
        say(&format!("note  {what}: {how}"));
    }

    fn bad(&mut self, what: &str, why: &str) {
        self.has_failed = true;
        say(&format!("WRONG {what}: {why}"));
    }
}

pub(super) async fn run(
    config: Result<Config, ConfigError>,
    send_to: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let mut report = Report { has_failed: false };
    let config = match config {
        Ok(config) => config,
        Err(ConfigError(faults)) => {
            for fault in faults {
                report.bad("configuration", &fault);
            }
            return Ok(ExitCode::from(super::EXIT_CONFIG));
        }
    };
    app::install_crypto();
    look_at_configuration(&config, &mut report);
    look_at_database(&config, &mut report).await;
    look_at_mail(&config, send_to, &mut report).await;
    if config.mail.operator.is_none() {
        let how = "mail.operator is not set: what needs a hand is told in the log and by dropday status \
                   alone";
        report.note("operator", how);
    }
    let redirect = format!(
        "{} must be registered in Spotify's dashboard, letter by letter (Settings, Redirect URIs)",
        config.redirect_url()
    );
    report.note("redirect address", &redirect);
    let (shown, listens) = (config.web.public_url.port(), config.web.listen.port());
    if config.web.public_url.scheme() == "http" && shown.unwrap_or(80) != listens {
        let differ = format!(
            "web.public_url and web.listen ({listens}) name different ports; without a proxy or a \
             tunnel in between, people will not come back from Spotify"
        );
        report.note("redirect address", &differ);
    }
    Ok(super::code(report.has_failed))
}

fn look_at_configuration(config: &Config, report: &mut Report) {
    let faults = schedule::faults(&config.schedule);
    for fault in &faults {
        report.bad("configuration", fault);
    }
    if faults.is_empty() {
        report.good("configuration", "every key is known");
    }
}

async fn look_at_database(config: &Config, report: &mut Report) {
    let (clock, chance) = super::machine();
    match app::open_database(config, &clock, &chance) {
        Err(error) => report.bad("database and key", &format!("{error:#}")),
        Ok(db) => look_into_database(&db, report).await,
    }
}

async fn look_into_database(db: &Db, report: &mut Report) {
    match db.damage().await {
        Ok(None) => report.good(
            "database",
            &format!("{} can be read and written, and is sound", db.path().display()),
        ),
        Ok(Some(damage)) => report.bad(
            "database",
            &format!(
                "it is damaged: {damage}. Restore a backup, or rescue it with sqlite3 .recover"
            ),
        ),
        Err(error) => return report.bad("database", &error.to_string()),
    }
    report.good("key", "it fits the database");
}

async fn look_at_mail(config: &Config, send_to: Option<&str>, report: &mut Report) {
    let (clock, _) = super::machine();
    let mailer = match app::mailer(config, &clock) {
        Ok(mailer) => mailer,
        Err(error) => return report.bad("mail", &error.to_string()),
    };
    for warning in mailer.warnings() {
        report.note("mail", &warning);
    }
    match mailer.check().await {
        Ok(how) => report.good("mail", &how),
        Err(error) => report.bad(
            "mail",
            &format!("{error}. Compare mail.smtp_url with what your mail provider tells you"),
        ),
    }
    if let Some(address) = send_to {
        match send_test::send(config, &mailer, address).await {
            Ok(how) => report.good("test letter", &how),
            Err(error) => report.bad("test letter", &format!("{error:#}")),
        }
    }
    for (record, advice) in dns::advice(&mailer, config.mail.operator.as_ref()) {
        report.note(record, &advice);
    }
}
