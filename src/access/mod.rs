//! The way to Spotify: every call passes the ledger, and goes out with somebody's live token.

mod error;
mod gate;
mod tokens;

pub use error::AccessError;
pub use gate::Gate;
pub use tokens::{Access, Catalogue, Lender};
