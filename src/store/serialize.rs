//! Serializers for fields of several types.

use std::fmt::Display;

use serde::Serializer;

use crate::domain::user::EmailAddress;

pub(super) fn display<S: Serializer>(
    value: &impl Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// In full: [`Display`] redacts it.
pub(super) fn email<S: Serializer>(email: &EmailAddress, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(email.as_str())
}
