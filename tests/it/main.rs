//! Promises to users, kept against the fake world.
