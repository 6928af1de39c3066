//! Encodes an email as the bytes that are sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::domain::text::one_line;
use crate::email::message::Email;

/// What a retry of an email must have in common with the first attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMeta {
    /// With angle brackets; sent exactly as given.
    pub message_id: String,
    pub date: Timestamp,
}

/// Cannot occur in a body: in quoted-printable, `=` is followed by hexadecimal digits or a line break.
const BOUNDARY: &str = "=_dropday_=";

/// The email with its headers. The same arguments give the same bytes. Fails if the stamp or the email's link
/// cannot be part of a header.
pub(super) fn compose(
    from: &Mailbox,
    to: &Address,
    email: &Email,
    meta: &MessageMeta,
) -> Result<String, String> {
    // Otherwise lettre parses the envelope from the headers, which fails on a quoted `>`.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]);
    let headers = Message::builder()
        .envelope(envelope.map_err(|e| e.to_string())?)
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(&email.subject))
        .date(system_time(meta.date))
        .raw_header(message_id(&meta.message_id)?)
        // Asks auto-responders not to answer: RFC 3834 §5.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .raw_header(list_id(from.email.domain()));
    let unsubscribe = email.unsubscribe.as_deref().map(unsubscribe).transpose()?;
    let headers = unsubscribe.into_iter().flatten().fold(headers, MessageBuilder::raw_header);
    let message = headers
        .multipart(
            MultiPart::alternative()
                .boundary(BOUNDARY)
                .singlepart(part(ContentType::TEXT_PLAIN, &email.text))
                .singlepart(part(ContentType::TEXT_HTML, &email.html)),
        )
        .map_err(|e| e.to_string())?;
    String::from_utf8(message.formatted()).map_err(|_| "the letter is no UTF-8".to_owned())
}

/// lettre panics on a date before 1970.
fn system_time(date: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(date.as_second().try_into().unwrap_or(0))
}

/// Always quoted-printable, whatever the text: the result is ASCII in short lines, which every server accepts.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let encoded = quoted_printable::encode(crlf);
    let body = Body::dangerous_pre_encoded(encoded, ContentTransferEncoding::QuotedPrintable);
    SinglePart::builder().header(kind).body(body)
}

/// lettre would fold or encode an unusual id; a retry must carry exactly the same one.
fn message_id(id: &str) -> Result<HeaderValue, String> {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let sound = inner.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b));
    // RFC 5322 §2.1.1 limits a line to 998 characters.
    if !sound || !inner.contains('@') || id.len() > 900 {
        return Err("our Message-ID is none: it should read like <id@example.com>".to_owned());
    }
    let name = HeaderName::new_from_ascii_str("Message-ID");
    Ok(HeaderValue::dangerous_new_pre_encoded(name, id.to_owned(), id.to_owned()))
}

/// RFC 2369, and RFC 8058 if the link is https, which that RFC requires. A plain http link (the demo's) can
/// still be opened by hand.
fn unsubscribe(link: &str) -> Result<Vec<HeaderValue>, String> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_sound = link.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"".contains(&b));
    if !is_web || !is_sound || link.len() > 900 {
        return Err("our link to unsubscribe is none".to_owned());
    }
    let name = HeaderName::new_from_ascii_str("List-Unsubscribe");
    let value = format!("<{link}>");
    let mut headers = vec![HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value)];
    if link.starts_with("https://") {
        let name = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");
        headers.push(HeaderValue::new(name, "List-Unsubscribe=One-Click".to_owned()));
    }
    Ok(headers)
}

/// Lets users filter the emails: RFC 2919.
fn list_id(domain: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("List-Id");
    HeaderValue::new(name, format!("<dropday.{domain}>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;
    use mail_parser::decoders::quoted_printable::quoted_printable_decode;
    use proptest::prelude::*;

    fn meta(id: &str) -> MessageMeta {
        MessageMeta { message_id: id.into(), date: "2026-11-23T18:00:00Z".parse().unwrap() }
    }

    fn empty() -> Email {
        let (subject, text, html) = (String::new(), String::new(), String::new());
        Email { subject, text, html, unsubscribe: None }
    }

    fn composed(subject: &str, text: &str) -> String {
        let email = Email {
            subject: subject.into(),
            text: text.into(),
            html: format!("<p>{text}</p>\n--=_dropday_=--"),
            unsubscribe: Some("https://dropday.example.com/unsubscribe?for=7.abc".into()),
        };
        let name = "Dröpday, \"the\" <a@b>".to_owned();
        let from = Mailbox::new(Some(name), "dropday@example.com".parse().unwrap());
        let to = "jörg@example.org".parse().unwrap();
        compose(&from, &to, &email, &meta("<7.abc@dropday.example.com>")).unwrap()
    }

    #[test]
    fn message_has_headers_and_both_parts() {
        let raw = composed("Röyksopp: Profound Mysteries III", "Röyksopp\n.\nout today\n");
        insta::assert_snapshot!(raw);
        let read = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(read.subject(), Some("Röyksopp: Profound Mysteries III"));
        assert_eq!(read.message_id(), Some("7.abc@dropday.example.com"));
        assert_eq!(read.body_text(0).unwrap(), "Röyksopp\r\n.\r\nout today\r\n");
        assert!(read.body_html(0).unwrap().contains("<p>Röyksopp"));
        assert!(read.body_html(0).unwrap().contains("--=_dropday_=--"));
    }

    #[test]
    fn odd_message_id_is_rejected_and_long_one_unfolded() {
        let from: Mailbox = "dropday@example.com".parse().unwrap();
        let email = empty();
        let compose = |id: &str| compose(&from, &from.email, &email, &meta(id));
        for id in ["", "a@b", "<a>", "<a@b>\r\nBcc: c@d", "<a@b> <c@d>", "<ä@b>"] {
            assert!(compose(id).is_err(), "{id}");
        }
        let id = format!("<{}@example.com>", "a".repeat(200));
        let raw = compose(&id).unwrap();
        assert!(raw.contains(&format!("\r\nMessage-ID: {id}\r\n")));
    }

    fn with_unsubscribe(link: &str) -> Result<String, String> {
        let from: Mailbox = "dropday@example.com".parse().unwrap();
        let email = Email { unsubscribe: Some(link.to_owned()), ..empty() };
        compose(&from, &from.email, &email, &meta("<7@dropday.example.com>"))
    }

    #[test]
    fn one_click_unsubscribe_is_offered_only_over_https() {
        let one_click = "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        let long = format!("https://dropday.example/u?token={}", "x".repeat(300));
        for (link, has_post) in [
            ("https://dropday.example/u?token=abc&for=1,2", true),
            (&long, true),
            ("http://127.0.0.1:8888/u?token=abc", false),
        ] {
            let raw = with_unsubscribe(link).unwrap();
            assert!(raw.contains(&format!("\r\nList-Unsubscribe: <{link}>\r\n")), "{raw}");
            assert_eq!(raw.contains(one_click), has_post, "{raw}");
        }
    }

    #[test]
    fn link_invalid_in_header_is_rejected() {
        for link in ["", "mailto:a@b", "https://a/\r\nBcc: c@d", "https://a/>, <b", "https://ä/"] {
            assert!(with_unsubscribe(link).is_err(), "{link:?}");
        }
    }

    proptest! {
        #[test]
        fn sender_recipient_and_link_cannot_inject_headers(
            name in any::<String>(),
            local in "[^@]{1,12}",
            link in "https://[^ ]{0,40}",
        ) {
            let from = Mailbox::new(Some(name), "dropday@example.com".parse().unwrap());
            let email = Email { unsubscribe: Some(link), ..empty() };
            let Ok(to) = Address::new(local, "example.org") else { return Ok(()) };
            let Ok(raw) = compose(&from, &to, &email, &meta("<7@example.com>")) else {
                return Ok(());
            };
            let (headers, _) = raw.split_once("\r\n\r\n").unwrap();
            let names: Vec<&str> = headers
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split_once(':').map_or("", |(name, _)| name))
                .collect();
            prop_assert_eq!(names.len(), 11, "{}", headers);
            prop_assert!(names.iter().all(|name| !name.is_empty() && !name.contains(' ')));
            prop_assert!(headers.split("\r\n").all(|line| line.len() <= 998));
        }

        #[test]
        fn email_content_cannot_inject_headers(
            subject in any::<String>(),
            text in any::<String>(),
        ) {
            let raw = composed(&subject, &text);
            let read = MessageParser::default().parse(&raw).unwrap();
            prop_assert_eq!(read.headers().len(), 11);
            prop_assert_eq!(read.parts.len(), 3);
            let bare = raw.as_bytes().windows(2).any(|w| (w[0] == b'\r') != (w[1] == b'\n'));
            prop_assert!(!bare, "a line ends in a bare CR or LF");
        }

        /// Servers may alter longer lines and trailing spaces, which would break a DKIM signature.
        #[test]
        fn body_lines_are_short_ascii_and_decode_correctly(text in "([a-z=.\t é✨\u{0}-\u{1f}]|\n){0,300}") {
            let raw = composed("News", &text);
            let (_, body) = raw.split_once("\r\n\r\n").unwrap();
            prop_assert!(body.is_ascii());
            for line in body.split("\r\n") {
                prop_assert!(line.len() <= 76 && !line.ends_with([' ', '\t']), "{:?}", line);
            }
            let part = body.split(&format!("--{BOUNDARY}")).nth(1).unwrap();
            let (_, encoded) = part.split_once("\r\n\r\n").unwrap();
            let read = quoted_printable_decode(encoded.strip_suffix("\r\n").unwrap().as_bytes());
            let meant = text.replace("\r\n", "\n").replace('\n', "\r\n");
            prop_assert_eq!(String::from_utf8(read.unwrap()).unwrap(), meant);
        }

        #[test]
        fn subject_is_decoded_as_written(subject in "[a-zäöü✨א \"<>]{1,120}") {
            let raw = composed(&subject, "");
            let read = MessageParser::default().parse(&raw).unwrap();
            let (got, sent) = (read.subject().unwrap_or_default(), one_line(&subject));
            prop_assert_eq!(got.trim(), sent.trim());
        }
    }
}
