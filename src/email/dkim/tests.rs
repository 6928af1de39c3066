//! Signatures against the RFC's own example, and against ring's verification.

use proptest::prelude::*;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

const RSA: &str = include_str!("../../../tests/data/dkim/rsa.pem");
const RSA_PKCS1: &str = include_str!("../../../tests/data/dkim/rsa-pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("../../../tests/data/dkim/rsa-public.pem");
const RSA_1024: &str = include_str!("../../../tests/data/dkim/rsa-1024.pem");
const ED25519_KEY: &str = include_str!("../../../tests/data/dkim/ed25519.pem");

const MESSAGE: &str = "From: Dropday <dropday@example.com>\r\n\
    To: martha@example.org\r\n\
    Subject: =?utf-8?b?UsO2eWtzb3BwOg==?=\r\n Profound Mysteries III\r\n\
    Date: Mon, 23 Nov 2026 18:00:00 +0000\r\n\
    Message-ID: <7@dropday.example.com>\r\n\
    List-Unsubscribe: <https://dropday.example.com/u>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain\r\n\
    \r\n\
    Röyksopp\r\n.\r\n\r\nout today\r\n\r\n";

fn settings(key: &str) -> DkimSettings {
    DkimSettings { selector: "dropday".to_owned(), domain: None, key: SecretString::from(key) }
}

fn signer(key: &str) -> Signer {
    Signer::new(&settings(key), "example.com").unwrap()
}

/// Checks a signature as a receiver does, with what the signer publishes.
fn holds(signer: &Signer, message: &str) -> bool {
    let (head, text) = message.split_once("\r\n\r\n").unwrap();
    let fields = headers(head);
    let own = header(&fields[0]);
    let tag = |name: &str| {
        let tags = own.split_once(':').unwrap().1.split(';');
        let found = tags.map(str::trim).find_map(|tag| tag.strip_prefix(&format!("{name}=")));
        found.unwrap().replace(' ', "")
    };
    if tag("bh") != BASE64.encode(Sha256::digest(body(text))) {
        return false;
    }
    let mut left: Vec<_> = fields[1..].to_vec();
    let mut data = String::new();
    for name in tag("h").split(':') {
        if let Some(at) = left.iter().rposition(|field| field.name.eq_ignore_ascii_case(name)) {
            data += &format!("{}\r\n", header(&left.remove(at)));
        }
    }
    data += &own[..own.rfind("b=").unwrap() + 2];
    let signature = BASE64.decode(tag("b")).unwrap();
    let public = BASE64.decode(signer.record().value.split_once("p=").unwrap().1).unwrap();
    match signer.key {
        Key::Rsa(_) => {
            // Behind the wrapping of a SubjectPublicKeyInfo of this size.
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public[24..]);
            key.verify(data.as_bytes(), &signature).is_ok()
        }
        Key::Ed25519(_) => {
            let hash = Sha256::digest(data.as_bytes());
            UnparsedPublicKey::new(&ED25519, &public).verify(&hash, &signature).is_ok()
        }
    }
}

/// RFC 8463, appendix A: key, message and signature.
#[test]
fn rfc_8463_example_signature_matches() {
    let seed = BASE64.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    let pkcs8 =
        [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", &*seed].concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64.encode(pkcs8)
    );
    let key = Key::read(&SecretString::from(pem)).unwrap();
    assert_eq!(key.published(), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

    let text = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let hash = BASE64.encode(Sha256::digest(body(text)));
    assert_eq!(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    let head = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
        DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let lines: Vec<String> = headers(head).iter().map(header).collect();
    let signature = key.sign(lines.join("\r\n").as_bytes()).unwrap();
    assert_eq!(
        BASE64.encode(signature),
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    );
}

#[test]
fn signature_is_valid_and_deterministic() {
    for key in [RSA, RSA_PKCS1, ED25519_KEY] {
        let signer = signer(key);
        let line = signer.sign(MESSAGE, 1_795_458_000).unwrap();
        assert_eq!(signer.sign(MESSAGE, 1_795_458_000).unwrap(), line);
        assert!(line.split("\r\n").all(|line| line.len() <= 78), "{line}");
        assert!(holds(&signer, &format!("{line}{MESSAGE}")), "{line}");
    }
}

#[test]
fn signed_headers_are_oversigned() {
    let line = signer(ED25519_KEY).sign(MESSAGE, 1_795_458_000).unwrap();
    let line: String = line.split_whitespace().collect();
    assert!(
        line.contains(
            "t=1795458000;h=From:From:To:To:Subject:Subject:Date:Date:Message-ID:MIME-Version:\
         Content-Type:List-Unsubscribe:List-Unsubscribe-Post;bh="
        ),
        "{line}"
    );
    assert!(line.starts_with(
        "DKIM-Signature:v=1;a=ed25519-sha256;c=relaxed/relaxed;d=example.com;s=dropday;t="
    ));
    assert!(!line.contains(";l="), "a length would let anybody add to the letter");
}

#[test]
fn second_subject_or_sender_breaks_signature() {
    let signer = signer(ED25519_KEY);
    let line = signer.sign(MESSAGE, 0).unwrap();
    for added in
        ["Subject: You have won\r\n", "From: bank@example.net\r\n", "To: all@example.net\r\n"]
    {
        assert!(!holds(&signer, &format!("{line}{added}{MESSAGE}")), "{added}");
        let below = MESSAGE.replacen("\r\n\r\n", &format!("\r\n{added}\r\n"), 1);
        assert!(!holds(&signer, &format!("{line}{below}")), "{added}");
    }
}

#[test]
fn dns_record_matches_openssl_public_key() {
    let pem: String = RSA_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    for key in [RSA, RSA_PKCS1] {
        let record = signer(key).record();
        assert_eq!(record.name, "dropday._domainkey.example.com");
        assert_eq!(record.value, format!("v=DKIM1; k=rsa; p={pem}"));
    }
    assert!(signer(ED25519_KEY).record().value.starts_with("v=DKIM1; k=ed25519; p="));
}

#[test]
fn invalid_dkim_settings_are_described_without_the_key() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (key, fault) in [
        ("", DkimFault::NoKey),
        ("hunter2", DkimFault::NoKey),
        (encrypted, DkimFault::NoKey),
        (RSA_PUBLIC, DkimFault::NoKey),
        (RSA_1024, DkimFault::UnusableKey),
    ] {
        assert_eq!(Signer::new(&settings(key), "example.com").unwrap_err(), fault, "{key}");
    }
    for selector in ["", "a b", "ä", "a..b", "a;b", &"x".repeat(64)] {
        let settings = DkimSettings { selector: (*selector).to_owned(), ..settings(RSA) };
        assert_eq!(Signer::new(&settings, "example.com").unwrap_err(), DkimFault::Selector);
    }
    for domain in ["", "localhost", "example.com; l=0", "exa mple.com"] {
        let settings = DkimSettings { domain: Some(domain.to_owned()), ..settings(RSA) };
        assert_eq!(Signer::new(&settings, "example.com").unwrap_err(), DkimFault::Domain);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_changed_byte_breaks_signature(at in any::<prop::sample::Index>()) {
        let signer = signer(ED25519_KEY);
        let line = signer.sign(MESSAGE, 0).unwrap();
        let mut bytes = MESSAGE.as_bytes().to_vec();
        let at = at.index(bytes.len());
        // What "relaxed" forgives by design: space, the case of a name, and the end of a line.
        if bytes[at].is_ascii_alphanumeric() && !in_a_name(MESSAGE, at) {
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            let whole = format!("{line}{changed}");
            prop_assert!(!holds(&signer, &whole));
        }
    }
}

fn in_a_name(message: &str, at: usize) -> bool {
    let begin = message[..at].rfind("\r\n").map_or(0, |at| at + 2);
    at < message.find("\r\n\r\n").unwrap() && !message[begin..at].contains(':')
}
