//! Sealing of secrets at rest: XChaCha20-Poly1305, a random nonce for each seal, and the row's
//! identity as associated data, so that a sealed value cannot be moved to another row.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use super::StoreError;
use crate::clock::{Chance, random};

/// Marks the format of what follows; another number would mean another key or cipher.
const FORMAT: u8 = 1;
const NONCE: usize = 24;

const SEALING: &[u8] = b"dropday sealing 1";

/// Seals, unseals and signs with keys derived from the operator's key.
#[derive(Debug)]
pub struct Sealer {
    /// The first seals; each opens what it sealed.
    sealing: Vec<SecretBox<[u8; 32]>>,
    signing: SecretBox<[u8; 64]>,
}

impl Sealer {
    /// Derives the keys for sealing and for signing from `key`.
    pub fn new(key: &SecretBox<[u8; 32]>) -> Self {
        Self { sealing: vec![derive(key, SEALING)], signing: derive(key, b"dropday signing 1") }
    }

    /// Lets what was sealed with `key` be opened as well.
    pub(super) fn open_also(&mut self, key: &SecretBox<[u8; 32]>) {
        self.sealing.push(derive(key, SEALING));
    }

    /// Signs with this key from now on, instead of the one that is derived.
    pub(super) fn sign_with(&mut self, key: SecretBox<[u8; 64]>) {
        self.signing = key;
    }

    /// What it signs with.
    pub(super) fn signing_key(&self) -> &SecretBox<[u8; 64]> {
        &self.signing
    }

    /// Seals `secret` for the row that `identity` names, such as `tokens/7/access`.
    pub(super) fn seal(
        &self,
        secret: &SecretString,
        identity: &str,
        chance: &dyn Chance,
    ) -> Vec<u8> {
        let nonce: [u8; NONCE] = random(chance);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: identity.as_bytes() };
        let seal = |key| cipher(key).encrypt(&XNonce::from(nonce), payload).ok();
        let sealed = self.sealing.first().and_then(seal).unwrap_or_default();
        [&[FORMAT][..], &nonce, &sealed].concat()
    }

    /// Opens what was sealed for `identity`.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] if it was sealed with another key, for another row, or was changed.
    pub(super) fn open(&self, sealed: &[u8], identity: &str) -> Result<SecretString, StoreError> {
        open_with(&self.sealing, sealed, identity)
    }

    /// Opens what was sealed with the key that this one seals with.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_own(
        &self,
        sealed: &[u8],
        identity: &str,
    ) -> Result<SecretString, StoreError> {
        open_with(&self.sealing[..1], sealed, identity)
    }

    /// A signature of `message`, for links in emails.
    pub fn sign(&self, message: &str) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    /// Whether `signature` is ours, in constant time.
    pub fn is_signed(&self, message: &str, signature: &[u8]) -> bool {
        self.mac(message).verify_slice(signature).is_ok()
    }

    fn mac(&self, message: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new(&(*self.signing.expose_secret()).into()).chain_update(message)
    }
}

fn open_with(
    keys: &[SecretBox<[u8; 32]>],
    sealed: &[u8],
    identity: &str,
) -> Result<SecretString, StoreError> {
    let (head, body) = sealed.split_at_checked(1 + NONCE).ok_or(StoreError::WrongKey)?;
    let nonce: [u8; NONCE] = head[1..].try_into().map_err(|_| StoreError::WrongKey)?;
    if head[0] != FORMAT {
        return Err(StoreError::WrongKey);
    }
    let secret = keys.iter().find_map(|key| {
        let payload = Payload { msg: body, aad: identity.as_bytes() };
        cipher(key).decrypt(&XNonce::from(nonce), payload).ok()
    });
    let text = secret.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(SecretString::from).ok_or(StoreError::WrongKey)
}

fn cipher(key: &SecretBox<[u8; 32]>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key.expose_secret()))
}

fn derive<const N: usize>(key: &SecretBox<[u8; 32]>, purpose: &[u8]) -> SecretBox<[u8; N]> {
    let mut derived = Box::new([0; N]);
    let expanded = Hkdf::<Sha256>::new(None, key.expose_secret()).expand(purpose, &mut *derived);
    debug_assert!(expanded.is_ok(), "HKDF can give 8,160 bytes, and is asked for 64 at most");
    SecretBox::new(derived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededChance;

    fn sealer(first: u8) -> Sealer {
        let mut key = [7; 32];
        key[0] = first;
        Sealer::new(&SecretBox::new(Box::new(key)))
    }

    #[test]
    fn what_is_sealed_for_one_row_opens_for_that_row_alone() {
        let secret = SecretString::from("a token");
        let sealed = sealer(1).seal(&secret, "tokens/1/access", &*SeededChance::new(1));
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert_eq!(sealer(1).open(&sealed, "tokens/1/access").unwrap().expose_secret(), "a token");
        assert!(sealer(1).open(&sealed, "tokens/2/access").is_err());
        assert!(sealer(1).open(&sealed, "tokens/1/refresh").is_err());
        assert!(sealer(2).open(&sealed, "tokens/1/access").is_err());
    }

    #[test]
    fn a_changed_or_cut_seal_is_an_error_and_no_panic() {
        let sealed = sealer(1).seal(&SecretString::from("x"), "a", &*SeededChance::new(1));
        for cut in 0..sealed.len() {
            assert!(sealer(1).open(&sealed[..cut], "a").is_err());
            let mut changed = sealed.clone();
            changed[cut] ^= 1;
            assert!(sealer(1).open(&changed, "a").is_err());
        }
    }

    #[test]
    fn a_signature_is_good_for_its_message_and_key_alone() {
        let signature = sealer(1).sign("confirm/1");
        assert!(sealer(1).is_signed("confirm/1", &signature));
        assert!(!sealer(1).is_signed("confirm/2", &signature));
        assert!(!sealer(2).is_signed("confirm/1", &signature));
        assert!(!sealer(1).is_signed("confirm/1", b""));
    }
}
