//! A mail server that follows a script: one list of turns for each connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// What the server does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Says a line unasked: the greeting.
    Say(&'static str),
    /// Waits for a line that begins so, and answers it.
    On(&'static str, &'static str),
    /// Reads an email up to its dot, and answers it.
    Text(&'static str),
    /// Reads an email up to its dot, and hangs up.
    TextThenHangUp,
    /// Keeps silent for some milliseconds.
    Wait(u64),
}

/// Everything up to the log-in, on a server that has no log-in.
pub(super) const HELLO: &[Turn] = &[
    Turn::Say("220 ready"),
    Turn::On("EHLO ", "250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8"),
    Turn::On("EHLO ", "250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8"),
];

/// The same on a server that takes commands in one go.
pub(super) const HELLO_PIPELINING: &[Turn] = &[
    Turn::Say("220 ready"),
    Turn::On("EHLO ", "250-mail.test\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8"),
    Turn::On("EHLO ", "250-mail.test\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8"),
];

/// An email that is taken.
pub(super) const TAKEN: &[Turn] = &[
    Turn::On("MAIL FROM:<dropday@example.com>", "250 ok"),
    Turn::On("RCPT TO:<", "250 ok"),
    Turn::On("DATA", "354 go"),
    Turn::Text("250 queued"),
];

/// What the server got: its connections, and their lines and emails.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) connections: usize,
    pub(super) lines: Vec<String>,
    pub(super) emails: Vec<String>,
    /// By the first part of an email's Message-ID, what it was answered with, in turn.
    pub(super) replies: HashMap<String, Vec<String>>,
}

pub(super) struct Server {
    pub(super) url: String,
    heard: Arc<Mutex<Heard>>,
}

impl Server {
    /// Serves the scripts, one for each connection in turn, and refuses further ones.
    pub(super) async fn following(scripts: &[&[&[Turn]]]) -> Self {
        let scripts: Vec<Vec<Turn>> = scripts.iter().map(|script| script.concat()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard::default()));
        let server = Self { url, heard: Arc::clone(&heard) };
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                heard.lock().unwrap().connections += 1;
                tokio::spawn(perform(stream, script, Arc::clone(&heard)));
            }
        });
        server
    }

    /// By the first part of an email's Message-ID, what it was answered with; "" is nothing.
    pub(super) fn replies(&self) -> HashMap<String, Vec<String>> {
        self.heard().replies.clone()
    }

    pub(super) fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap()
    }
}

/// Follows a script on one connection. Returns, and so hangs up, at its end or when the client
/// says something else than what is due.
pub(super) async fn perform(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    script: Vec<Turn>,
    heard: Arc<Mutex<Heard>>,
) {
    if script.is_empty() {
        return;
    }
    let mut stream = BufReader::new(stream);
    for turn in script {
        let answer = match turn {
            Turn::Say(line) => line,
            Turn::On(prefix, answer) => {
                let line = line(&mut stream).await;
                heard.lock().unwrap().lines.push(line.clone());
                if !line.starts_with(prefix) {
                    return;
                }
                answer
            }
            Turn::Text(answer) => {
                text(&mut stream, &heard, answer).await;
                answer
            }
            Turn::TextThenHangUp => {
                text(&mut stream, &heard, "").await;
                return;
            }
            Turn::Wait(milliseconds) => {
                pause(milliseconds).await;
                continue;
            }
        };
        // A client that has gone is for the test to notice.
        let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
        let _ = stream.flush().await;
    }
    let last = line(&mut stream).await;
    heard.lock().unwrap().lines.push(last);
}

#[expect(clippy::disallowed_methods, reason = "a slow server is slow on the real clock")]
async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

async fn line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> String {
    let mut line = String::new();
    let _ = stream.read_line(&mut line).await;
    line.trim_end().to_owned()
}

async fn text(stream: &mut (impl AsyncBufReadExt + Unpin), heard: &Mutex<Heard>, answer: &str) {
    let mut email = String::new();
    while !email.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut email).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let id = email.split_once("Message-ID: <").and_then(|(_, rest)| rest.split_once('@'));
    let id = id.map_or("", |(id, _)| id).to_owned();
    let mut heard = heard.lock().unwrap();
    heard.replies.entry(id).or_default().push(answer.to_owned());
    heard.emails.push(email);
}
