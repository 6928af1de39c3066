//! Enhanced status codes: what a mail server says besides its three digits, for programs to read.
//!
//! They are defined in RFC 3463 (<https://www.rfc-editor.org/rfc/rfc3463>), stand at the beginning
//! of a reply's text by RFC 2034, and are listed at
//! <https://www.iana.org/assignments/smtp-enhanced-status-codes>.

/// `class.subject.detail`, such as `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) class: u8,
    pub(super) subject: u16,
    pub(super) detail: u16,
}

impl Status {
    /// What stands at the beginning of a reply's text, if it is of the same class as its code: a
    /// text may quote a code of somebody else's.
    pub(super) fn of_reply(code: u16, text: &str) -> Option<Self> {
        let status = Self::parse(text.split_ascii_whitespace().next()?)?;
        (u16::from(status.class) == code / 100).then_some(status)
    }

    fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split('.');
        let class = parts.next().filter(|class| matches!(*class, "2" | "4" | "5"))?;
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        parts.next().is_none().then_some(Self { class: class.parse().ok()?, subject, detail })
    }

    /// Whether it says that no email will ever reach this mailbox, whatever is in it:
    ///
    /// - X.1.1–4 and X.1.6: no such mailbox or domain, or none any more; X.1.10: its domain takes
    ///   no mail (RFC 7505);
    /// - X.2.0 and X.2.1: the mailbox is disabled. Not X.2.2 (full), which its owner can mend, nor
    ///   X.2.3 (this email is too long) nor X.2.4 (a list's own trouble);
    /// - X.4.1 and X.4.4: nothing answers for the domain. Exchange Online says 5.4.1 of recipients
    ///   that it does not know (<https://learn.microsoft.com/en-us/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online>).
    ///
    /// X.7.z (policy) is never about the mailbox: 5.7.1 is what servers say of spam and of relaying.
    pub(super) fn is_about_the_mailbox(self) -> bool {
        matches!((self.subject, self.detail), (1, 1..=4 | 6 | 10) | (2, 0 | 1) | (4, 1 | 4))
    }

    /// Whether it rejects us rather than the email or the mailbox: our sender (X.1.7,
    /// X.1.8), our log-in or its encryption (X.7.8–14), our signature, our machine or our domain
    /// (X.7.20–27, RFC 7372), or that we have sent what we may today (Gmail's 5.4.5: <https://support.google.com/a/answer/3726730>).
    pub(super) fn is_sender_rejected(self) -> bool {
        matches!((self.subject, self.detail), (1, 7 | 8) | (7, 8..=14 | 20..=27) | (4, 5))
    }
}

/// One to three digits, without a sign and without leading zeros (RFC 3463 §2).
fn number(raw: &str) -> Option<u16> {
    let is_sound = (1..=3).contains(&raw.len())
        && raw.bytes().all(|b| b.is_ascii_digit())
        && (raw.len() == 1 || !raw.starts_with('0'));
    is_sound.then(|| raw.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(code: u16, text: &str) -> Option<(u8, u16, u16)> {
        Status::of_reply(code, text).map(|s| (s.class, s.subject, s.detail))
    }

    #[test]
    fn status_is_parsed_only_at_start_of_text() {
        assert_eq!(of(550, "5.1.1 <a@b.example>: unknown"), Some((5, 1, 1)));
        assert_eq!(of(450, "4.2.0"), Some((4, 2, 0)));
        assert_eq!(of(550, "5.7.509 Access denied"), Some((5, 7, 509)));
        for (code, text) in [
            (550, ""),
            (550, "no such user"),
            (550, "it said 5.1.1 to me"),
            (450, "5.1.1 of another class"),
            (550, "5.1"),
            (550, "5.1.1.1"),
            (550, "5.01.1"),
            (550, "5.1.1000"),
            (550, "5.+1.1"),
            (550, "5.1.1: glued"),
            (350, "3.1.1 of no class"),
        ] {
            assert_eq!(of(code, text), None, "{code} {text}");
        }
    }

    #[test]
    fn only_mailbox_status_blames_the_mailbox() {
        let about = |text| Status::of_reply(550, text).unwrap().is_about_the_mailbox();
        for at_fault in ["5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.0", "5.2.1", "5.4.1", "5.4.4"] {
            assert!(about(at_fault), "{at_fault}");
        }
        for innocent in ["5.0.0", "5.1.0", "5.1.7", "5.2.2", "5.2.3", "5.3.4", "5.6.0", "5.7.1"] {
            assert!(!about(innocent), "{innocent}");
        }
    }

    proptest! {
        #[test]
        fn status_round_trips_through_text(class in 4u8..=5, subject in 0u16..1000, detail in 0u16..1000) {
            let text = format!("{class}.{subject}.{detail} because");
            let read = Status::of_reply(u16::from(class) * 100 + 50, &text);
            prop_assert_eq!(read, Some(Status { class, subject, detail }));
        }

        #[test]
        fn any_text_is_parsed_without_panic(code in 0u16..1000, text in any::<String>()) {
            let _ = Status::of_reply(code, &text);
        }
    }
}
