//! The emails that Dropday sends, one file each. The templates are in `email/templates`.

/// Defines `render`, which fills in the two templates of `$view`; they refer to it as `email`.
macro_rules! templates {
    ($view:ident, $text:literal, $html:literal) => {
        #[derive(askama::Template)]
        #[template(path = $text, escape = "none")]
        struct Text<'a> {
            email: &'a $view<'a>,
        }

        #[derive(askama::Template)]
        #[template(path = $html, escape = "html")]
        struct Html<'a> {
            subject: &'a str,
            email: &'a $view<'a>,
        }

        fn render(
            subject: String,
            email: &$view<'_>,
        ) -> Result<$crate::email::message::Email, $crate::email::message::RenderError> {
            let html = Html { subject: &subject, email };
            $crate::email::message::write(subject.clone(), &Text { email }, &html)
        }
    };
}

pub mod assurance;
pub mod confirm;
pub mod consent_ends;
pub mod goodbye;
pub mod item;
pub mod news;
pub mod operator;
mod row;
#[cfg(test)]
#[path = "../../../tests/support/email_samples.rs"]
mod samples;
pub mod sign_in_again;
pub mod test_email;
mod text;
pub mod welcome;
pub mod withdrawn;
mod wording;

pub(super) use self::text::set_text;

#[cfg(test)]
mod tests;
