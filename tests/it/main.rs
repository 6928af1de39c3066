//! Integration tests: the real client, store, mailer and pages, with the fake services around them.

#![expect(unreachable_pub, reason = "nothing here is used from outside the test binary")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access_requests;
mod account_page;
mod admin_page;
mod artists_page;
mod backups;
mod bad_database;
mod binary;
mod bounces;
mod check_planning;
mod commands;
mod configuration;
mod confirmation;
mod consent;
mod consent_clock;
mod crash;
mod daemon;
mod delete_account;
mod digests;
mod editions;
mod emails;
mod export;
mod feeds;
mod follows;
mod front_page;
mod health;
mod hints;
mod hostile_input;
mod invalid_responses;
mod invitations;
mod job_runs;
mod layering;
mod logs;
mod mail_check;
mod mail_server;
mod mass_refusal;
mod metrics;
mod news;
mod operator_alerts;
mod partial_checks;
mod preferences;
mod rate_limits;
mod releases_page;
mod retention;
mod schemas;
mod secondary_lists;
mod security;
mod sign_in;
mod singles;
mod startup;
mod systemd;
mod test_app;
#[path = "../support/clock.rs"]
mod test_clock;
mod users;
mod visitor;
mod wording;
mod wrong_clock;
