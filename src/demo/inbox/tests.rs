use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::*;
use dropday::test_clock::ManualClock;

const EMAIL: &str = "Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n..dot\r\n";

async fn inbox(settings: InboxSettings) -> Inbox {
    let clock = ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap());
    Inbox::start(clock, settings).await.unwrap()
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(inbox: &Inbox) -> Self {
        Self(BufReader::new(TcpStream::connect(inbox.address()).await.unwrap()))
    }

    async fn greeted(inbox: &Inbox) -> Self {
        let mut client = Self::connect(inbox).await;
        assert_eq!(client.code().await, 220);
        assert_eq!(client.tell("EHLO test").await, 250);
        client
    }

    async fn tell(&mut self, line: &str) -> u16 {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.code().await
    }

    /// The code of the next reply; 0 where the connection ended or nonsense came.
    async fn code(&mut self) -> u16 {
        loop {
            let mut line = Vec::new();
            if self.0.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                return 0;
            }
            if line.get(3) != Some(&b'-') {
                return std::str::from_utf8(&line[..3])
                    .ok()
                    .and_then(|c| c.parse().ok())
                    .unwrap_or(0);
            }
        }
    }

    async fn send(&mut self, to: &str) -> u16 {
        for line in ["MAIL FROM:<a@example.com> BODY=8BITMIME", &format!("RCPT TO:<{to}>"), "DATA"]
        {
            let code = self.tell(line).await;
            if code >= 400 {
                return code;
            }
        }
        self.tell(&format!("{EMAIL}.")).await
    }
}

async fn silent(client: &mut Client) -> bool {
    tokio::time::timeout(Duration::from_millis(100), client.code()).await.is_err()
}

#[tokio::test]
async fn email_is_stored_as_sent() {
    let inbox = inbox(InboxSettings::default()).await;
    let mut client = Client::greeted(&inbox).await;
    assert_eq!(client.send("B@example.com").await, 250);
    let [email] = &inbox.received_by("b@EXAMPLE.com")[..] else { panic!("one email") };
    assert_eq!(email.from, "a@example.com");
    assert!(email.raw.ends_with(b"\r\n\r\n.dot\r\n"));
    assert!(inbox.received_by("c@example.com").is_empty());
}

#[tokio::test]
async fn recipient_is_rejected_until_accepted_again() {
    let inbox = inbox(InboxSettings::default()).await;
    inbox.refuse("b@example.com", 550, "5.1.1 No such person");
    let mut client = Client::greeted(&inbox).await;
    assert_eq!(client.send("b@example.com").await, 550);
    inbox.accept("b@example.com");
    assert_eq!(client.send("b@example.com").await, 250);
}

#[tokio::test]
async fn scripted_faults_happen_once_in_order() {
    let inbox = inbox(InboxSettings::default()).await;
    inbox.script(SmtpFault::RefuseSender(451, "4.3.0 Later".to_owned()));
    inbox.script(SmtpFault::RefuseMessage(554, "5.7.1 Spam".to_owned()));
    inbox.script(SmtpFault::DropAfterData { keep: true });
    let mut client = Client::greeted(&inbox).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(client.send("b@example.com").await);
    }
    assert_eq!(codes, [451, 554, 0]);
    assert_eq!(inbox.emails().len(), 1);
    let mut client = Client::greeted(&inbox).await;
    assert_eq!(client.send("b@example.com").await, 250);
}

#[tokio::test]
async fn faults_can_lose_an_email_at_each_stage() {
    let inbox = inbox(InboxSettings::default()).await;
    inbox.script(SmtpFault::DropInData);
    inbox.script(SmtpFault::Nonsense { keep: false });
    for _ in 0..2 {
        assert_eq!(Client::greeted(&inbox).await.send("b@example.com").await, 0);
    }
    inbox.script(SmtpFault::HangAtGreeting);
    assert!(silent(&mut Client::connect(&inbox).await).await);
    inbox.script(SmtpFault::HangAfterData { keep: true });
    let mut client = Client::greeted(&inbox).await;
    let sent = tokio::time::timeout(Duration::from_millis(200), client.send("b@example.com"));
    assert!(sent.await.is_err());
    assert_eq!(inbox.emails().len(), 1);
}

#[tokio::test]
async fn restarted_inbox_has_the_same_port() {
    let inbox = inbox(InboxSettings::default()).await;
    let mut open = Client::greeted(&inbox).await;
    inbox.stop().await;
    assert_eq!(open.code().await, 0);
    assert!(TcpStream::connect(inbox.address()).await.is_err());
    inbox.restart().await.unwrap();
    assert_eq!(Client::greeted(&inbox).await.send("b@example.com").await, 250);
}

#[tokio::test]
async fn authentication_is_required_if_set() {
    let login = Some(("me".to_owned(), "pass word".to_owned()));
    let inbox = inbox(InboxSettings { login }).await;
    let mut client = Client::greeted(&inbox).await;
    assert_eq!(client.send("b@example.com").await, 530);
    // "\0me\0wrong" and "\0me\0pass word".
    assert_eq!(client.tell("AUTH PLAIN AG1lAHdyb25n").await, 535);
    inbox.script(SmtpFault::RefuseLogin(454));
    assert_eq!(client.tell("AUTH PLAIN AG1lAHBhc3Mgd29yZA==").await, 454);
    assert_eq!(client.tell("AUTH PLAIN AG1lAHBhc3Mgd29yZA==").await, 235);
    assert_eq!(client.send("b@example.com").await, 250);
}

#[tokio::test]
async fn international_address_needs_smtputf8() {
    let inbox = inbox(InboxSettings::default()).await;
    let mut client = Client::greeted(&inbox).await;
    assert_eq!(client.send("jörg@example.com").await, 553);
    assert_eq!(client.tell("MAIL FROM:<a@example.com> SMTPUTF8").await, 250);
    assert_eq!(client.tell("RCPT TO:<jörg@example.com>").await, 250);
}

#[tokio::test]
async fn pages_show_a_decoded_email() {
    let inbox = inbox(InboxSettings::default()).await;
    let raw = "From: =?utf-8?q?D=C3=B6rte?= <d@example.com>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\
        \r\nna=C3=AFve <b>\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPHA+aGk8L3A+\r\n--x--\r\n";
    inbox.shared.save("a@b.c".to_owned(), vec!["e@f.g".to_owned()], raw.into());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, page::router(inbox)).await });
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(get("/inbox").await.contains("<bdi>café</bdi>"));
    let page = get("/inbox/1").await;
    assert!(page.contains("Dörte &#60;d@example.com&#62;"), "{page}");
    assert!(page.contains("naïve &#60;b&#62;") && page.contains("sandbox="));
    assert!(get("/inbox/1/html").await.ends_with("<p>hi</p>"));
    assert!(get("/inbox/0").await.contains("404"));
}

#[tokio::test]
async fn lettre_can_deliver_to_the_url() {
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
    let login = Some(("me@example.com".to_owned(), "p: s/w+ré%".to_owned()));
    let inbox = inbox(InboxSettings { login }).await;
    let mailer = AsyncSmtpTransport::<Tokio1Executor>::from_url(&inbox.url()).unwrap().build();
    let email = Message::builder()
        .from("Jörg <a@example.com>".parse().unwrap())
        .to("jörg@example.com".parse().unwrap())
        .subject("café")
        .body("naïve\n.\n..\n".to_owned())
        .unwrap();
    mailer.send(email).await.unwrap();
    assert_eq!(inbox.received_by("JÖRG@example.com").len(), 1);
}
