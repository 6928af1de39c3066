//! A browser, as far as the pages can tell: it keeps cookies and follows nothing by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dropday::demo::world::{FakeUserId, World};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, StatusCode};
use scraper::{Html, Selector};

#[derive(Clone)]
pub struct Visitor {
    http: reqwest::Client,
    base: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    /// The form token that was read last, and of which session.
    token: Arc<Mutex<Option<(String, String)>>>,
}

/// What a page answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub set_cookies: Vec<String>,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    /// What a reader sees at `selector`, each on one line.
    pub fn shown(&self, selector: &str) -> Vec<String> {
        let (page, selector) =
            (Html::parse_document(&self.body), Selector::parse(selector).unwrap());
        let found = page.select(&selector);
        found.map(|element| on_one_line(&element.text().collect::<String>())).collect()
    }

    /// The words of the page, as its reader has them: between two of them a single space.
    pub fn words(&self) -> String {
        self.shown("main").pop().expect("a page")
    }
}

fn on_one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Visitor {
    pub fn new(base: &str) -> Self {
        let http = dropday::spotify::http_client("a browser").unwrap();
        Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            cookies: Arc::default(),
            token: Arc::default(),
        }
    }

    /// Connects as `user`, who agrees at the fake Spotify; ends on their page.
    pub async fn sign_in(&self, world: &World, user: FakeUserId) {
        let back = world.consent(&self.to_spotify().await, user).unwrap();
        let arrived = self.get(&back).await;
        assert_eq!(arrived.location.as_deref(), Some("/account"), "{}", arrived.body);
    }

    /// Clicks Connect; the address at Spotify.
    pub async fn to_spotify(&self) -> String {
        self.get("/login").await.location.expect("a redirect to Spotify")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends a form of a page of ours: with the token that its page carries, where somebody is signed in.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        let form: Vec<_> =
            form.iter().copied().chain(token.as_deref().map(|token| ("form", token))).collect();
        self.post_as_it_is(path, &form).await
    }

    /// Sends a form with nothing but what is given.
    pub async fn post_as_it_is(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    /// The token that forms of the present session carry, as a page of it has it.
    pub async fn form_token(&self) -> Option<String> {
        let session = self.cookie("dropday").filter(|session| !session.is_empty())?;
        if let Some((_, token)) =
            self.token.lock().unwrap().as_ref().filter(|(of, _)| *of == session)
        {
            return Some(token.clone());
        }
        let page = self.get("/preferences").await.body;
        let (_, rest) = page.split_once(r#"name="form" value=""#)?;
        let token = rest.split('"').next()?.to_owned();
        *self.token.lock().unwrap() = Some((session, token.clone()));
        Some(token)
    }

    /// Asks for emails at once of albums and of `more` (`singles`, `editions`, …).
    pub async fn choose(&self, more: &[&str]) {
        let usual = [("letters", "at_once"), ("hour", "8"), ("zone", "UTC"), ("albums", "on")];
        let form: Vec<_> = usual.into_iter().chain(more.iter().map(|kind| (*kind, "on"))).collect();
        let answer = self.post("/preferences", &form).await;
        let location = answer.location.unwrap_or_default();
        assert!(location.starts_with("/preferences?saved="), "{location:?}: {}", answer.body);
    }

    /// A form sent by the page of another site.
    pub async fn post_from_elsewhere(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(self.url(path)).form(form);
        self.send(
            request.header("Origin", "https://evil.example").header("Sec-Fetch-Site", "cross-site"),
        )
        .await
    }

    /// Anything else that can be asked: `change` makes the request what it is to be.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        self.send(change(self.http.request(method, self.url(path)))).await
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let set_cookies: Vec<String> =
            response.headers().get_all(SET_COOKIE).iter().map(text).collect();
        for cookie in &set_cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.set_cookie(name, value);
        }
        Answer {
            status: response.status(),
            location: response.headers().get(LOCATION).map(text),
            set_cookies,
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }
}
