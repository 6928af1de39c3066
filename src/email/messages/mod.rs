//! What Dropday writes, one file for each kind of email. The templates are in `email/templates`.

pub mod assurance;
pub mod confirm;
pub mod consent_ends;
pub mod good_bye;
pub mod kind;
pub mod news;
pub mod operator;
mod row;
#[cfg(any(test, feature = "demo"))]
pub mod samples;
pub mod sign_in_again;
pub mod test_email;
mod text;
pub mod welcome;
pub mod withdrawn;
mod wording;

pub(super) use self::text::set_text;

#[cfg(test)]
mod tests;
