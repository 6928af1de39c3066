//! Integration tests: the real client, store, mailer and pages, with the fake services around them.

#![expect(unreachable_pub, reason = "nothing here is used from outside the test binary")]
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access_requests;
mod artists_page;
mod bad_answers;
mod bad_database;
mod bad_input;
mod binary;
mod bounces;
mod brake;
mod choosing;
mod commands;
mod configuration;
mod confirming;
mod consent;
mod consent_clock;
mod crash;
mod daemon;
mod digests;
mod editions;
mod emails;
mod export;
mod feeds;
mod follows;
mod front;
mod health;
mod hints;
mod home;
mod invitations;
mod job_runs;
mod keeping;
mod layering;
mod leaving;
mod limits;
mod logs;
mod mail_check;
mod mail_server;
mod metrics;
mod my_page;
mod new_albums;
mod news;
mod one_at_a_time;
mod operator;
mod operator_page;
mod preferences;
mod schemas;
mod security;
mod side_lists;
mod sign_in;
mod singles;
mod starting;
mod supervised;
#[path = "../support/clock.rs"]
mod test_clock;
mod upkeep;
mod users;
mod visitor;
mod wording;
mod wrong_clock;
