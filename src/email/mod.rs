//! Letters: rendering (`letter`, `letters`) apart from signing (`dkim`) and sending (`smtp`).
//!
//! A letter is written from plain values and sent as it is: nothing here reads the database, and
//! nothing here decides whether a letter is owed.

pub mod dkim;
pub mod message;
pub mod messages;
pub mod smtp;
mod url;

pub use self::url::UrlFault;
