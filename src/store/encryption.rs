//! Encryption of secrets at rest: XChaCha20-Poly1305, with a random nonce per value and the row's identity as
//! associated data, so that an encrypted value cannot be moved to another row.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use super::StoreError;
use crate::clock::{Rng, random};

/// Format version: the first byte of every encrypted value.
const FORMAT: u8 = 1;
const NONCE: usize = 24;

/// Encrypts, decrypts and signs with keys derived from the operator's key.
#[derive(Debug)]
pub struct Cipher {
    sealing: SecretBox<[u8; 32]>,
    signing: SecretBox<[u8; 64]>,
}

impl Cipher {
    /// Derives the keys.
    pub fn new(key: &SecretBox<[u8; 32]>) -> Self {
        Self {
            sealing: derive(key, b"dropday sealing 1"),
            signing: derive(key, b"dropday signing 1"),
        }
    }

    /// Uses this signing key instead of the derived one.
    pub(super) fn sign_with(&mut self, key: SecretBox<[u8; 64]>) {
        self.signing = key;
    }

    pub(super) fn signing_key(&self) -> &SecretBox<[u8; 64]> {
        &self.signing
    }

    /// Encrypts `secret` for the row that `associated_data` names, such as `tokens/7/access`.
    pub(super) fn seal(
        &self,
        secret: &SecretString,
        associated_data: &str,
        rng: &dyn Rng,
    ) -> Vec<u8> {
        let nonce: [u8; NONCE] = random(rng);
        let payload =
            Payload { msg: secret.expose_secret().as_bytes(), aad: associated_data.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [&[FORMAT][..], &nonce, &sealed].concat()
    }

    /// Decrypts what was encrypted for `associated_data`.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] if it was encrypted with another key or for another row, or was changed.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        associated_data: &str,
    ) -> Result<SecretString, StoreError> {
        let (head, body) = sealed.split_at_checked(1 + NONCE).ok_or(StoreError::WrongKey)?;
        let nonce: [u8; NONCE] = head[1..].try_into().map_err(|_| StoreError::WrongKey)?;
        if head[0] != FORMAT {
            return Err(StoreError::WrongKey);
        }
        let payload = Payload { msg: body, aad: associated_data.as_bytes() };
        let secret = self.cipher().decrypt(&XNonce::from(nonce), payload);
        let text = secret.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(SecretString::from).ok_or(StoreError::WrongKey)
    }

    /// Signs `message`, for links in emails.
    pub fn sign(&self, message: &str) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    /// Verifies a signature in constant time.
    pub fn is_signed(&self, message: &str, signature: &[u8]) -> bool {
        self.mac(message).verify_slice(signature).is_ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.sealing.expose_secret()))
    }

    fn mac(&self, message: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new(&(*self.signing.expose_secret()).into()).chain_update(message)
    }
}

fn derive<const N: usize>(key: &SecretBox<[u8; 32]>, purpose: &[u8]) -> SecretBox<[u8; N]> {
    let mut derived = Box::new([0; N]);
    let expanded = Hkdf::<Sha256>::new(None, key.expose_secret()).expand(purpose, &mut *derived);
    debug_assert!(expanded.is_ok(), "HKDF-SHA256 yields up to 8,160 bytes");
    SecretBox::new(derived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropday::test_clock::SeededRng;

    fn cipher(first: u8) -> Cipher {
        let mut key = [7; 32];
        key[0] = first;
        Cipher::new(&SecretBox::new(Box::new(key)))
    }

    #[test]
    fn sealed_value_opens_only_for_its_row() {
        let secret = SecretString::from("a token");
        let sealed = cipher(1).seal(&secret, "tokens/1/access", &*SeededRng::new(1));
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert_eq!(cipher(1).open(&sealed, "tokens/1/access").unwrap().expose_secret(), "a token");
        assert!(cipher(1).open(&sealed, "tokens/2/access").is_err());
        assert!(cipher(1).open(&sealed, "tokens/1/refresh").is_err());
        assert!(cipher(2).open(&sealed, "tokens/1/access").is_err());
    }

    #[test]
    fn changed_or_truncated_value_is_an_error() {
        let sealed = cipher(1).seal(&SecretString::from("x"), "a", &*SeededRng::new(1));
        for cut in 0..sealed.len() {
            assert!(cipher(1).open(&sealed[..cut], "a").is_err());
            let mut changed = sealed.clone();
            changed[cut] ^= 1;
            assert!(cipher(1).open(&changed, "a").is_err());
        }
    }

    #[test]
    fn signature_is_valid_only_for_its_message_and_key() {
        let signature = cipher(1).sign("confirm/1");
        assert!(cipher(1).is_signed("confirm/1", &signature));
        assert!(!cipher(1).is_signed("confirm/2", &signature));
        assert!(!cipher(2).is_signed("confirm/1", &signature));
        assert!(!cipher(1).is_signed("confirm/1", b""));
    }
}
