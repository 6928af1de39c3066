//! Random secrets that browsers hold, and the hashes that we store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::clock::{Rng, random};

/// 256 random bits as 43 characters that are valid in cookies and URLs.
pub(super) fn new(rng: &dyn Rng) -> String {
    URL_SAFE_NO_PAD.encode(random::<32>(rng))
}

/// Whether `raw` has the form of [`new`].
pub(super) fn is_well_formed(raw: &str) -> bool {
    raw.len() == 43 && URL_SAFE_NO_PAD.decode(raw).is_ok()
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Derives a secret for one `purpose` from another one.
pub(super) fn derive(purpose: &str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash(&format!("{purpose}\0{secret}")))
}
