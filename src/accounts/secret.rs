//! Random secrets that browsers hold, and the hashes of them that we keep.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::clock::{Chance, random};

/// 256 random bits, in 43 characters that can stand in a cookie or an address.
pub(super) fn new(chance: &dyn Chance) -> String {
    URL_SAFE_NO_PAD.encode(random::<32>(chance))
}

/// Whether `raw` has the form of [`new`].
pub(super) fn is_well_formed(raw: &str) -> bool {
    raw.len() == 43 && URL_SAFE_NO_PAD.decode(raw).is_ok()
}

/// What is kept of a secret.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A secret that follows from another one, for one `purpose`.
pub(super) fn derive(purpose: &str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash(&format!("{purpose}\0{secret}")))
}
