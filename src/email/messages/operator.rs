//! Alerts for the operator.

use askama::Template;

use super::wording::shortened;
use crate::domain::operator_alert::AlertText;
use crate::email::message::{Email, RenderError, write};

pub struct OperatorEmail<'a> {
    pub alert: AlertText,
    /// Which Dropday this is.
    pub instance_url: &'a str,
}

/// Characters that an inbox shows after the subject.
const MAX_PREHEADER: usize = 120;

#[derive(Template)]
#[template(path = "operator.txt", escape = "none")]
struct Text<'a> {
    alert: &'a AlertText,
    instance_url: &'a str,
}

#[derive(Template)]
#[template(path = "operator.mjml", escape = "html")]
struct Layout<'a> {
    subject: &'a str,
    preheader: &'a str,
    alert: &'a AlertText,
    instance_url: &'a str,
}

impl OperatorEmail<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        let Self { alert, instance_url } = self;
        let subject = format!("Dropday alert: {}", alert.title);
        let preheader = &shortened(&alert.what_to_do, MAX_PREHEADER);
        let layout = Layout { subject: &subject, preheader, alert, instance_url };
        write(subject.clone(), &Text { alert, instance_url }, &layout)
    }
}
