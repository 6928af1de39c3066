//! Promises to users, kept against the fake world: the real client, store, mailer and pages.

#![expect(unreachable_pub, reason = "one binary: nothing here is reached from outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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
mod follows;
mod hints;
mod home;
mod keeping;
mod leaving;
mod letters;
mod limits;
mod mail_check;
mod mail_server;
mod mended;
mod news;
mod one_at_a_time;
mod operator;
mod preferences;
mod schemas;
mod shape;
mod side_lists;
mod sign_in;
mod singles;
mod upkeep;
mod users;
mod visitor;
