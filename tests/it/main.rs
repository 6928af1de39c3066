//! Promises to users, kept against the fake world: the real client, store, mailer and pages.

#![expect(unreachable_pub, reason = "one binary: nothing here is reached from outside")]

mod consent;
mod follows;
mod home;
mod limits;
mod news;
mod shape;
mod sign_in;
mod visitor;
