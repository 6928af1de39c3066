//! The private key: RSA or Ed25519, as OpenSSL writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::DkimFault;

/// The algorithm of RFC 8017's `rsaEncryption`, as it begins a public key: its identifier, and no
/// parameters.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

pub(super) enum Key {
    /// `ring` takes 2048 to 4096 bits; less should not be used any more (RFC 8301 §3.2).
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub(super) fn read(pem: &SecretString) -> Result<Self, DkimFault> {
        let pem = pem.expose_secret().as_bytes();
        match PrivateKeyDer::from_pem_slice(pem).map_err(|_| DkimFault::NoKey)? {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                // OpenSSL writes Ed25519 keys without their public half.
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    Ok(pair) => Ok(Self::Ed25519(pair)),
                    Err(_) => rsa(RsaKeyPair::from_pkcs8(der)),
                }
            }
            _ => Err(DkimFault::UnusableKey),
        }
    }

    /// As `a=` and `k=` name it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa",
            Self::Ed25519(_) => "ed25519",
        }
    }

    /// The public half as DNS has it: RSA's as a `SubjectPublicKeyInfo`, which is what everybody
    /// publishes (RFC 6376 §3.6.1 with erratum 3017); Ed25519's bare (RFC 8463 §4).
    pub(super) fn published(&self) -> String {
        match self {
            Self::Rsa(pair) => {
                let mut bits = vec![0];
                bits.extend_from_slice(pair.public_key().as_ref());
                let bits = der(0x03, &bits);
                BASE64.encode(der(0x30, &[RSA_ENCRYPTION.as_slice(), bits.as_slice()].concat()))
            }
            Self::Ed25519(pair) => BASE64.encode(pair.public_key().as_ref()),
        }
    }

    pub(super) fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // PKCS #1 v1.5 draws no random numbers: a repeat gets the same signature.
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, data, &mut signature).ok()?;
                Some(signature)
            }
            // RFC 8463 §3: the hash is what is signed.
            Self::Ed25519(pair) => Some(pair.sign(&Sha256::digest(data)).as_ref().to_vec()),
        }
    }
}

fn rsa(pair: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Key, DkimFault> {
    pair.map(|pair| Key::Rsa(Box::new(pair))).map_err(|_| DkimFault::UnusableKey)
}

/// One value in DER, of up to 65,535 bytes.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..=127) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(value);
    out
}
