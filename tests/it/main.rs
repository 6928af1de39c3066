//! Promises to users, kept against the fake world: the real client, store, mailer and pages.

#![expect(unreachable_pub, reason = "one binary: nothing here is reached from outside")]

mod home;
mod news;
mod visitor;
