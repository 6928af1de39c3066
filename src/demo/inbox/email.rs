//! An email as its recipient sees it.

use mail_parser::MessageParser;

/// A parsed email. What is missing is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Email {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// `Message-ID`, without angle brackets.
    pub message_id: String,
    pub from: String,
}

impl Email {
    pub fn parse(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(raw) else { return Self::default() };
        let from = message.from().and_then(|from| from.first()).and_then(|from| from.address());
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            message_id: message.message_id().unwrap_or_default().to_owned(),
            from: from.unwrap_or_default().to_owned(),
        }
    }

    /// The first link in the text that contains `part`.
    pub fn link(&self, part: &str) -> String {
        let link = self.text.split_whitespace().find(|word| word.contains(part));
        link.unwrap_or_else(|| panic!("no link with {part} in the email: {}", self.text)).to_owned()
    }
}
