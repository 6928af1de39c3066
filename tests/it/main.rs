//! Promises to users, kept against the fake world: the real client, store, mailer and pages.

#![expect(unreachable_pub, reason = "one binary: nothing here is reached from outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod artists_page;
mod bad_answers;
mod bad_database;
mod bad_input;
mod binary;
mod bounces;
mod brake;
mod callers;
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
mod leaving;
mod letters;
mod limits;
mod logs;
mod mail_check;
mod mail_server;
mod mended;
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
mod shape;
mod side_lists;
mod sign_in;
mod singles;
mod supervised;
mod upkeep;
mod users;
mod visitor;
