//! A response of Spotify's, as far as it arrived.

use std::time::Duration;

use reqwest::StatusCode;

use super::error::Error;

/// The maximum size of a body, decompressed. A page of 50 artists has about 60 KiB.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) html: bool,
    pub(super) body: Body,
}

pub(super) enum Body {
    Whole(Vec<u8>),
    /// More than [`MAX_BODY_BYTES`].
    TooLarge,
    /// The connection ended before the body did.
    Cut,
}

/// Shows only the size, because bodies contain tokens.
impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::TooLarge => f.write_str("TooLarge"),
            Self::Cut => f.write_str("Cut"),
        }
    }
}

impl Answer {
    pub(super) fn whole(&self) -> Result<&[u8], Error> {
        match &self.body {
            Body::Whole(bytes) => Ok(bytes),
            Body::TooLarge => Err(Error::Malformed("more than 1 MiB".into())),
            Body::Cut => Err(broken_off()),
        }
    }

    pub(super) fn json(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_slice(self.whole()?).map_err(|e| match e.is_eof() {
            _ if self.html => Error::Malformed("a web page instead of data".into()),
            true => broken_off(),
            false => Error::Malformed("not JSON".into()),
        })
    }
}

fn broken_off() -> Error {
    Error::Temporary("the answer broke off".into())
}
