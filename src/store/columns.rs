//! How domain types are stored in columns.

use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Null, ToSqlOutput, ValueRef};

use crate::domain::artist::ArtistId;
use crate::domain::consent::Ending;
use crate::domain::hint::{DeezerId, Mbid, SourceName};
use crate::domain::quota::Cause;
use crate::domain::release::ReleaseId;
use crate::domain::user::{Addressee, EmailAddress, UserId};

/// A time, as milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ms(pub(super) Timestamp);

impl ToSql for Ms {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_millisecond().into())
    }
}

impl FromSql for Ms {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ms = value.as_i64()?;
        Timestamp::from_millisecond(ms).map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for UserId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for UserId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// NULL for an addressee who is not a user; the kind of the email tells who it is.
impl ToSql for Addressee {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().map_or(ToSqlOutput::from(Null), ToSqlOutput::from))
    }
}

/// Stores types as their text.
macro_rules! text_columns {
    ($($type:ty, $parse:expr, $what:literal;)*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $parse(value.as_str()?).ok_or_else(|| unreadable($what))
            }
        }
    )*};
}

text_columns! {
    ArtistId, Self::parse, "an artist's id";
    ReleaseId, Self::parse, "a release's id";
    EmailAddress, |text| Self::parse(text).ok(), "an address";
    Mbid, Self::parse, "an MBID";
    Ending, Self::parse, "how a consent ended";
    Cause, |text| Self::ALL.into_iter().find(|cause| cause.as_str() == text), "a cause";
    SourceName, |text| Self::ALL.into_iter().find(|source| source.as_str() == text), "a source of hints";
}

impl ToSql for DeezerId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        // Deezer's ids are far below; a larger one would be read back as the same bits.
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for DeezerId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|id| Self(id.cast_unsigned()))
    }
}

/// The error for a column that does not hold a valid `what`.
pub(super) fn unreadable(what: &str) -> FromSqlError {
    FromSqlError::other(std::io::Error::other(format!("the column does not hold {what}")))
}
