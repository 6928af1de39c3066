//! The two ways of saying a name and a password.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::wire::Wire;

/// `AUTH PLAIN` (RFC 4616); `None` where what came could not be read.
pub(super) async fn plain(wire: &mut Wire, initial: &str) -> io::Result<Option<(String, String)>> {
    let answer = match initial {
        "" => ask(wire, "").await?,
        initial => decoded(initial),
    };
    let mut parts = answer.as_deref().unwrap_or_default().split('\0').skip(1).map(str::to_owned);
    Ok(parts.next().zip(parts.next()))
}

/// `AUTH LOGIN`; `None` where what came could not be read.
pub(super) async fn login(wire: &mut Wire, initial: &str) -> io::Result<Option<(String, String)>> {
    let name = match initial {
        "" => ask(wire, "Username:").await?,
        initial => decoded(initial),
    };
    let password = ask(wire, "Password:").await?;
    Ok(name.zip(password))
}

async fn ask(wire: &mut Wire, prompt: &str) -> io::Result<Option<String>> {
    wire.reply(334, &[&BASE64_STANDARD.encode(prompt)]).await?;
    Ok(wire.command().await?.and_then(|line| decoded(&line)))
}

fn decoded(raw: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(raw).ok()?).ok()
}
