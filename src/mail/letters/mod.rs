//! What Dropday writes, one file for each kind of letter. The templates are in `mail/templates`.

pub mod confirm;
pub mod news;
pub mod sign_in_again;
mod wording;

#[cfg(test)]
mod tests;
