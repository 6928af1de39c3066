//! The way to Spotify: every call passes the gate, and goes out with somebody's live token.

mod ask;
mod error;
mod gate;
mod operator;
mod refresh;
mod refusal;

pub use ask::{Access, Catalogue, Lender};
pub use error::AccessError;
pub use gate::Gate;
pub use operator::Operator;
