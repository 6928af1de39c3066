//! Emails: rendering (`email`, `emails`) apart from signing (`dkim`) and sending (`smtp`).
//!
//! An email is written from plain values and sent as it is: nothing here reads the database, and
//! nothing here decides whether an email is sent.

pub mod dkim;
pub mod message;
pub mod messages;
pub mod smtp;
mod url;

pub use self::url::UrlFault;
