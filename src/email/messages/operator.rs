//! Alerts for the operator.

use super::wording::shortened;
use crate::domain::operator_alert::AlertText;
use crate::email::message::{Email, RenderError};

pub struct OperatorEmail<'a> {
    pub alert: AlertText,
    pub instance_url: &'a str,
}

/// Characters that an inbox shows after the subject.
const MAX_PREHEADER: usize = 120;

templates!(OperatorEmail, "operator.txt", "operator.mjml");

impl OperatorEmail<'_> {
    pub fn email(&self) -> Result<Email, RenderError> {
        render(format!("Dropday alert: {}", self.alert.title), self)
    }

    fn preheader(&self) -> String {
        shortened(&self.alert.what_to_do, MAX_PREHEADER)
    }
}
