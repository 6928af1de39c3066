//! Cookies: one for a sign-in under way, one for a session.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::context::Ctx;

#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Binds a sign-in to this browser.
    Trip,
    Session,
}

impl Purpose {
    /// In seconds. The expiry in the database is what counts.
    fn max_age(self) -> i64 {
        match self {
            Self::Trip => 600,
            Self::Session => 400 * 24 * 3600,
        }
    }

    /// The `__Host-` prefix keeps other hosts of the domain from setting the cookie. It requires `Secure`,
    /// which plain HTTP on loopback cannot have.
    fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Trip, true) => "__Host-dropday_trip",
            (Self::Trip, false) => "dropday_trip",
            (Self::Session, true) => "__Host-dropday",
            (Self::Session, false) => "dropday",
        }
    }
}

pub(super) fn read(jar: &CookieJar, ctx: &Ctx, purpose: Purpose) -> Option<String> {
    jar.get(purpose.name(is_https(ctx))).map(|cookie| cookie.value().to_owned())
}

pub(super) fn set(jar: CookieJar, ctx: &Ctx, purpose: Purpose, value: String) -> CookieJar {
    jar.add(bake(ctx, purpose, value, purpose.max_age()))
}

pub(super) fn clear(jar: CookieJar, ctx: &Ctx, purpose: Purpose) -> CookieJar {
    jar.add(bake(ctx, purpose, String::new(), 0))
}

fn bake(ctx: &Ctx, purpose: Purpose, value: String, seconds: i64) -> Cookie<'static> {
    let mut cookie = Cookie::new(purpose.name(is_https(ctx)), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(is_https(ctx));
    // Lax, not Strict: users arrive from Spotify and from emails.
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(time::Duration::seconds(seconds));
    cookie
}

fn is_https(ctx: &Ctx) -> bool {
    ctx.public_url.scheme() == "https"
}
