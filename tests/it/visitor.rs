//! A browser whose requests must succeed.

use std::sync::{Arc, Mutex};

use dropday::demo::browser::{self, Browser};
use dropday::demo::world::{FakeUserId, World};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, RequestBuilder, StatusCode};
use scraper::{Html, Selector};

#[derive(Clone)]
pub struct Visitor {
    browser: Browser,
    /// The last form token, and the session that it belongs to.
    token: Arc<Mutex<Option<(String, String)>>>,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub set_cookies: Vec<String>,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl From<browser::Answer> for Answer {
    fn from(answer: browser::Answer) -> Self {
        let browser::Answer { status, headers, location, body } = answer;
        let set_cookies = headers.get_all(SET_COOKIE).iter();
        let set_cookies = set_cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        Self { status, location, set_cookies, headers, body }
    }
}

impl Answer {
    /// The text of each element that matches `selector`, with spaces collapsed.
    pub fn shown(&self, selector: &str) -> Vec<String> {
        let (page, selector) =
            (Html::parse_document(&self.body), Selector::parse(selector).unwrap());
        let found = page.select(&selector);
        found.map(|element| collapse_spaces(&element.text().collect::<String>())).collect()
    }

    /// The text of the page, with spaces collapsed.
    pub fn words(&self) -> String {
        self.shown("main").pop().expect("a page")
    }
}

fn collapse_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Visitor {
    pub fn new(base: &str) -> Self {
        Self { browser: Browser::new(base).unwrap(), token: Arc::default() }
    }

    /// Signs in as `user`; ends on their account page.
    pub async fn sign_in(&self, world: &World, user: FakeUserId) {
        self.browser.sign_in(world, user).await.unwrap();
    }

    /// Clicks Connect and returns the URL at Spotify.
    pub async fn to_spotify(&self) -> String {
        self.get("/login").await.location.expect("a redirect to Spotify")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.browser.get(path).await.unwrap().into()
    }

    /// Posts a form, with the token of the session if there is one.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        let form: Vec<_> =
            form.iter().copied().chain(token.as_deref().map(|token| ("form", token))).collect();
        self.post_as_it_is(path, &form).await
    }

    /// Posts a form with only these fields.
    pub async fn post_as_it_is(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.browser.post(path, form).await.unwrap().into()
    }

    /// The token that the forms of the current session carry.
    pub async fn form_token(&self) -> Option<String> {
        let session = self.cookie("dropday").filter(|session| !session.is_empty())?;
        if let Some((_, token)) =
            self.token.lock().unwrap().as_ref().filter(|(of, _)| *of == session)
        {
            return Some(token.clone());
        }
        let page = self.browser.get("/preferences").await.unwrap();
        let token = page.form_token()?.to_owned();
        *self.token.lock().unwrap() = Some((session, token.clone()));
        Some(token)
    }

    /// Chooses immediate emails about albums and `more` (`singles`, `editions`, …).
    pub async fn choose(&self, more: &[&str]) {
        let usual = [("letters", "at_once"), ("hour", "8"), ("zone", "UTC"), ("albums", "on")];
        let form: Vec<_> = usual.into_iter().chain(more.iter().map(|kind| (*kind, "on"))).collect();
        let answer = self.post("/preferences", &form).await;
        let location = answer.location.unwrap_or_default();
        assert!(location.starts_with("/preferences?saved="), "{location:?}: {}", answer.body);
    }

    /// Posts a form as the page of another site would.
    pub async fn post_from_elsewhere(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let from_elsewhere = |request: RequestBuilder| {
            let request = request.form(form).header("Origin", "https://evil.example");
            request.header("Sec-Fetch-Site", "cross-site")
        };
        self.ask(Method::POST, path, from_elsewhere).await
    }

    /// Sends any other request, after `change`.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        self.browser.request(method, path, change).await.unwrap().into()
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.browser.cookie(name)
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.browser.set_cookie(name, value);
    }
}
