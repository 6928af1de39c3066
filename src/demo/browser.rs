//! A browser for scripts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, StatusCode};

use super::world::{FakeUserId, World};

/// Keeps cookies and does not follow redirects. Clones share their cookies.
#[derive(Clone)]
pub struct Browser {
    http: Client,
    base: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub location: Option<String>,
    pub body: String,
}

impl Answer {
    /// The token that the forms of a page carry.
    pub fn form_token(&self) -> Option<&str> {
        self.body.split_once(r#"name="form" value=""#)?.1.split('"').next()
    }
}

impl Browser {
    /// A browser without cookies. Paths are relative to `base`.
    pub fn new(base: &str) -> reqwest::Result<Self> {
        let http = crate::spotify::http_client("dropday-demo")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), cookies: Arc::default() })
    }

    /// Signs in as this user, by way of the fake Spotify.
    pub async fn sign_in(&self, world: &World, user: FakeUserId) -> anyhow::Result<()> {
        let authorize = self.get("/login").await?.location.context("no redirect to Spotify")?;
        let back = world.consent(&authorize, user).map_err(anyhow::Error::msg)?;
        let answer = self.get(&back).await?;
        let is_signed_in = answer.location.as_deref() == Some("/account");
        anyhow::ensure!(is_signed_in, "not signed in: {}", answer.body);
        Ok(())
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<Answer> {
        self.request(Method::GET, path, |request| request).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Answer> {
        self.request(Method::POST, path, |request| request.form(form)).await
    }

    /// Sends a request after `change`.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> reqwest::Result<Answer> {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let cookies: Vec<String> =
            self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = change(self.http.request(method, url)).header(COOKIE, cookies.join("; "));
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let cookies = headers.get_all(SET_COOKIE).iter();
        for cookie in cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()) {
            if let Some((name, value)) = cookie.split_once('=') {
                self.set_cookie(name, value);
            }
        }
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.map(str::to_owned);
        Ok(Answer { status, headers, location, body: response.text().await? })
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies().insert(name.to_owned(), value.to_owned());
    }

    fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
