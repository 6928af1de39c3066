//! `dropday check`: lists problems and how to fix them.

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
use crate::terminal::print_out;

struct Report {
    has_failed: bool,
}

impl Report {
    fn good(&mut self, what: &str, how: &str) {
        print_out(&format!("ok    {what}: {how}"));
    }

    fn note(&mut self, what: &str, how: &str) {
        print_out(&format!("note  {what}: {how}"));
    }

    fn bad(&mut self, what: &str, why: &str) {
        self.has_failed = true;
        print_out(&format!("WRONG {what}: {why}"));
    }
}

pub(super) async fn run(
    config: Result<Config, ConfigError>,
    send_to: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let mut report = Report { has_failed: false };
    let config = match config {
        Ok(config) => config,
        Err(ConfigError(errors)) => {
            for error in errors {
                report.bad("configuration", &error);
            }
            return Ok(ExitCode::from(super::EXIT_CONFIG));
        }
    };
    app::install_crypto();
    check_configuration(&config, &mut report);
    check_database(&config, &mut report).await;
    check_mail(&config, send_to, &mut report).await;
    if config.web.instance.contact.is_none() {
        let how = "web.contact is not set, so the front page and the privacy page name no contact";
        report.note("contact", how);
    }
    if config.mail.operator.is_none() {
        let how =
            "mail.operator is not set, so alerts appear only in the log and in dropday status";
        report.note("operator", how);
    }
    let redirect = format!(
        "{} must be registered in Spotify's dashboard, character by character (Settings, Redirect URIs)",
        config.redirect_url()
    );
    report.note("redirect URI", &redirect);
    let (shown, listens) = (config.web.public_url.port(), config.web.listen.port());
    if config.web.public_url.scheme() == "http" && shown.unwrap_or(80) != listens {
        let differ = format!(
            "web.public_url and web.listen ({listens}) name different ports; without a proxy or a \
             tunnel in between, users will not get back from Spotify"
        );
        report.note("redirect URI", &differ);
    }
    if !report.has_failed
        && let Some(step) = next_step(Path::new("/"), config.web.public_url.as_str())
    {
        report.note("next", &step);
    }
    Ok(super::code(report.has_failed))
}

fn check_configuration(config: &Config, report: &mut Report) {
    let errors = scheduler::validate(&config.schedule);
    for error in &errors {
        report.bad("configuration", error);
    }
    if errors.is_empty() {
        report.good("configuration", "valid");
    }
}

async fn check_database(config: &Config, report: &mut Report) {
    let (clock, rng) = super::machine();
    match app::open_database(config, &clock, &rng) {
        Err(error) => report.bad("database and key", &format!("{error:#}")),
        Ok(db) => {
            check_integrity(&db, report).await;
            check_sign_up(config, &db, report).await;
        }
    }
}

/// Adds a note if nobody can sign in.
async fn check_sign_up(config: &Config, db: &Db, report: &mut Report) {
    let state = db.read("check sign-up", |tx| {
        let is_empty = users::all(tx)?.is_empty();
        let is_good = |invitation: &Invitation| invitation.is_good(tx.now());
        Ok((is_empty, invitations::list(tx)?.iter().any(is_good)))
    });
    // A database error has already been reported.
    let Ok((is_empty, is_somebody_invited)) = state.await else { return };
    match config.web.instance.sign_up {
        SignUpPolicy::Closed if is_empty => report.note(
            "sign-up",
            "web.sign_up is \"closed\" and there are no users yet, so nobody can sign in. Set it to \"open\" or \
             \"invitation\" until you have signed up",
        ),
        SignUpPolicy::Invitation if is_empty && !is_somebody_invited => report.note(
            "sign-up",
            "web.sign_up is \"invitation\", but there are no users and no valid invitations yet: `dropday \
             invite` creates one",
        ),
        _ => {}
    }
}

async fn check_integrity(db: &Db, report: &mut Report) {
    match db.damage().await {
        Ok(None) => report
            .good("database", &format!("{} is readable, writable and intact", db.path().display())),
        Ok(Some(damage)) => report.bad(
            "database",
            &format!(
                "it is damaged: {damage}. Restore a backup, or rescue it with sqlite3 .recover"
            ),
        ),
        Err(error) => return report.bad("database", &error.to_string()),
    }
    report.good("key", "matches the database");
}

async fn check_mail(config: &Config, send_to: Option<&str>, report: &mut Report) {
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
            &format!("{error}. Compare mail.smtp_url with your mail provider's instructions"),
        ),
    }
    if let Some(address) = send_to {
        match send_test::send(config, &mailer, address).await {
            Ok(how) => report.good("test email", &how),
            Err(error) => report.bad("test email", &format!("{error:#}")),
        }
    }
    for (record, advice) in dns::advice(&mailer, config.mail.operator.as_ref()) {
        report.note(record, &advice);
    }
}
