//! An email as it is sent: a subject, a text, and the same in HTML.

use std::collections::HashMap;

use askama::Template;
use mrml::prelude::render::RenderOptions;

/// An email, ready to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// One line, not yet encoded for a header.
    pub subject: String,
    /// The email as a text, for readers without HTML: lines of at most 72 characters, links on
    /// lines of their own.
    pub text: String,
    /// The email as an HTML page.
    pub html: String,
    /// Where a single POST ends emails like this one (RFC 8058), for the `List-Unsubscribe` header.
    pub unsubscribe: Option<String>,
}

impl Email {
    /// The same email, which says in its headers where one POST ends emails like it.
    #[must_use]
    pub fn with_unsubscribe(mut self, url: impl Into<String>) -> Self {
        self.unsubscribe = Some(url.into());
        self
    }
}

/// Emails hold links that sign users in, so `Debug` shows sizes.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email")
            .field("text_bytes", &self.text.len())
            .field("html_bytes", &self.html.len())
            .finish_non_exhaustive()
    }
}

/// Why an email could not be written: a fault of ours, not of what it tells.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template failed.
    #[error("failed to render an email's template: {0}")]
    Template(#[from] askama::Error),
    /// What the template made is no MJML.
    #[error("an email's template is not valid MJML: {0}")]
    Layout(#[from] mrml::prelude::parser::Error),
    /// The MJML could not be turned into HTML.
    #[error("failed to turn MJML into HTML: {0}")]
    Html(#[from] mrml::prelude::render::Error),
}

/// An email from its subject and its two templates. The text's lines may be as long as they like.
pub(super) fn write(
    subject: String,
    text: &impl Template,
    layout: &impl Template,
) -> Result<Email, RenderError> {
    let (text, html) = (super::messages::set_text(&text.render()?), html(&layout.render()?)?);
    Ok(Email { subject, text, html, unsubscribe: None })
}

fn html(layout: &str) -> Result<String, RenderError> {
    // mrml passes text and attributes through as they stand: what the template escaped stays so.
    // No fonts, since each would be fetched from elsewhere when the email is opened.
    let options = RenderOptions { fonts: HashMap::new(), ..RenderOptions::default() };
    Ok(mrml::parse(layout)?.element.render(&options)?)
}
