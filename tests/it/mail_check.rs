//! `dropday check` for email: DNS records, the DKIM key, and a test email.

use dropday::demo::inbox::InboxSettings;

use crate::binary::Machine;

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim/rsa.pem");
const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim/rsa-public.pem");

#[tokio::test]
async fn check_prints_dns_records() {
    let machine =
        Machine::with(&[("MAIL__DKIM_SELECTOR", "drop"), ("MAIL__DKIM_KEY_FILE", KEY)]).await;
    let ended = machine.run(&["check"]).await;
    let note = |about: &str| {
        let about = format!("note  DNS, {about}: ");
        ended.out.lines().find_map(|line| line.strip_prefix(&about)).unwrap().to_owned()
    };
    let domain = "example.com";
    assert!(note("SPF").contains(&format!("{domain} TXT")), "{}", ended.out);
    let dkim = note("DKIM");
    assert!(dkim.starts_with(&format!("drop._domainkey.{domain} TXT \"v=DKIM1; k=rsa; p=MII")));
    assert!(note("DMARC").starts_with(&format!("_dmarc.{domain} TXT \"v=DMARC1; p=none; rua=")));
    machine.finish().await;
}

#[tokio::test]
async fn check_reports_invalid_dkim_settings() {
    for (settings, code, what, remedy) in [
        (
            [("MAIL__DKIM_KEY_FILE", KEY), ("MAIL__DKIM_SELECTOR", "")],
            78,
            "`mail.dkim_selector`",
            "such as dropday",
        ),
        (
            [("MAIL__DKIM_KEY_FILE", "/nowhere"), ("MAIL__DKIM_SELECTOR", "a")],
            78,
            "`mail.dkim_key_file`",
            "cannot be read",
        ),
        (
            [("MAIL__DKIM_KEY_FILE", ""), ("MAIL__DKIM_SELECTOR", "a")],
            78,
            "`mail.dkim_key_file` is not",
            "private key",
        ),
        (
            [("MAIL__DKIM_KEY_FILE", PUBLIC), ("MAIL__DKIM_SELECTOR", "a")],
            1,
            "`mail.dkim_key_file`",
            "openssl genpkey",
        ),
        (
            [("MAIL__DKIM_KEY_FILE", KEY), ("MAIL__DKIM_SELECTOR", "ä b")],
            1,
            "`mail.dkim_selector`",
            "letters a-z",
        ),
    ] {
        let machine = Machine::with(&settings).await;
        let ended = machine.run(&["check"]).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let mut wrong = ended.out.lines().filter(|line| line.starts_with("WRONG"));
        assert!(wrong.any(|line| line.contains(what) && line.contains(remedy)), "{}", ended.out);
        machine.finish().await;
    }
}

#[tokio::test]
async fn check_sends_a_test_email_and_prints_the_reply() {
    let machine = Machine::with_inbox(&[], InboxSettings::default()).await;
    let ended = machine.run(&["check", "--send-to", "martha@example.org"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let line = ended.out.lines().find(|line| line.starts_with("ok    test email: ")).unwrap();
    assert!(line.contains("it said: 250 "), "{line}");
    let emails = machine.inbox.received_by("martha@example.org");
    assert_eq!(emails.len(), 1);
    let email = String::from_utf8(emails[0].raw.clone()).unwrap();
    assert!(email.contains("multipart/alternative") && email.contains("Message-ID: <"), "{email}");

    machine.inbox.refuse("martha@example.org", 550, "5.1.1 no such user");
    let ended = machine.run(&["check", "--send-to", "martha@example.org"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("WRONG test email: ") && ended.out.contains("5.1.1 no such user"));
    let ended = machine.run(&["check", "--send-to", "martha"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("WRONG test email: martha is not a valid address"), "{}", ended.out);
    machine.finish().await;
}
