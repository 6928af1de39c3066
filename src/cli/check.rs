//! `dropday check`: what is wrong, each with its remedy.

use std::path::Path;
use std::process::ExitCode;

use super::next_step::next_step;
use super::{dns, send_test};
use crate::app;
use crate::config::{Config, ConfigError};
use crate::domain::signup_policy::SignUpPolicy;
use crate::jobs::scheduler;
use crate::store::invitations::{self, Invitation};
use crate::store::{Db, users};
use crate::terminal::say;

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
    if config.web.instance.contact.is_none() {
        let how = "web.contact is not set: the front page and the page about privacy name nobody who answers";
        report.note("contact", how);
    }
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
    if !report.has_failed
        && let Some(step) = next_step(Path::new("/"), config.web.public_url.as_str())
    {
        report.note("next", &step);
    }
    Ok(super::code(report.has_failed))
}

fn look_at_configuration(config: &Config, report: &mut Report) {
    let errors = scheduler::validate(&config.schedule);
    for error in &errors {
        report.bad("configuration", error);
    }
    if errors.is_empty() {
        report.good("configuration", "every key is known");
    }
}

async fn look_at_database(config: &Config, report: &mut Report) {
    let (clock, chance) = super::machine();
    match app::open_database(config, &clock, &chance) {
        Err(error) => report.bad("database and key", &format!("{error:#}")),
        Ok(db) => {
            look_into_database(&db, report).await;
            look_at_the_door(config, &db, report).await;
        }
    }
}

/// Notes where nobody could ever sign in.
async fn look_at_the_door(config: &Config, db: &Db, report: &mut Report) {
    let door = db.read("who may come", |tx| {
        let is_empty = users::all(tx)?.is_empty();
        let is_good = |invitation: &Invitation| invitation.is_good(tx.now());
        Ok((is_empty, invitations::list(tx)?.iter().any(is_good)))
    });
    // What is wrong with the database was said before.
    let Ok((is_empty, is_somebody_invited)) = door.await else { return };
    match config.web.instance.sign_up {
        SignUpPolicy::Closed if is_empty => report.note(
            "sign-up",
            "web.sign_up is \"closed\" and nobody is here yet, so nobody can sign in. Set it to \"open\" or \
             \"invitation\" until you are",
        ),
        SignUpPolicy::Invitation if is_empty && !is_somebody_invited => report.note(
            "sign-up",
            "web.sign_up is \"invitation\", nobody is here yet and no invitation is good: `dropday invite` \
             prints one",
        ),
        _ => {}
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
