//! A server that says what it is told to, byte for byte, and odd bodies for it to say.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::answer::{Answer, Body};
use super::http::http_client;

/// One canned response for any request, and the requests that were made.
pub(super) struct Canned {
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// Answers each call with `status`, `headers` (with their line ends) and `body`.
    pub(super) async fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
        Self::raw([head.as_bytes(), body].concat()).await
    }

    /// Answers each call with `bytes` and hangs up.
    pub(super) async fn raw(bytes: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = request(&mut socket).await;
                heard.lock().unwrap().push(request);
                // A client that has read enough hangs up first.
                let _ = socket.write_all(&bytes).await;
            }
        });
        Self { url, asked }
    }

    /// The requests so far: head and body.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn request(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let n = socket.read(&mut buffer).await.unwrap_or(0);
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|n| n.trim().parse().ok())
        });
        if n == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

/// The client that the program uses.
pub(super) fn http() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    http_client("dropday-test").unwrap()
}

/// An answer that arrived whole.
pub(super) fn whole(status: u16, body: &[u8]) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
        html: false,
        body: Body::Whole(body.to_vec()),
    }
}

/// Any JSON, with a liking for the names that Spotify uses.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        4 => proptest::sample::select(vec![
            "artists", "items", "id", "name", "images", "url", "width", "total", "cursors",
            "after", "next", "limit", "external_urls", "spotify", "release_date", "album_type",
            "error", "reason", "access_token", "expires_in", "refresh_token", "total_tracks",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        any::<String>().prop_map(Value::from),
        "[a-zA-Z0-9]{1,22}".prop_map(Value::from),
        "https?://[a-z]{1,9}/[a-z]{0,9}".prop_map(Value::from),
        "[0-9]{4}(-[0-9]{2}){0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}
