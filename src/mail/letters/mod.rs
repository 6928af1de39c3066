//! What Dropday writes, one file for each kind of letter. The templates are in `mail/templates`.

pub mod confirm;
pub mod consent_ends;
pub mod news;
pub mod operator;
#[cfg(any(test, feature = "demo"))]
pub mod samples;
pub mod sign_in_again;
pub mod test_letter;
pub mod withdrawn;
mod wording;

#[cfg(test)]
mod tests;
