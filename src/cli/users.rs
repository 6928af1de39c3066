//! `dropday listed`: who is here, and what the operator can do for them by hand.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::json;

use crate::accounts::{address, delete_account};
use crate::app;
use crate::config::Config;
use crate::domain::user::EmailAddress;
use crate::store::users::{self, User};
use crate::store::{Db, Tx, confirmation_links, follows};
use crate::terminal::{complain, say};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show everybody: number, Spotify id, name, how they stand, where their emails go.
    List {
        /// The same for programs.
        #[arg(long)]
        json: bool,
    },
    /// Delete a user and everything about them, as if they had left; they get a last email.
    Remove {
        /// Their number, their Spotify id or their address, as `dropday listed list` shows it.
        who: String,
        /// Do not ask first.
        #[arg(long)]
        yes: bool,
    },
    /// Confirm a user's address by hand: emails go there from now on.
    Confirm {
        /// Their number, their Spotify id or their address, as `dropday listed list` shows it.
        who: String,
        /// The address; otherwise the one that they typed and have not confirmed yet.
        address: Option<String>,
    },
}

pub(super) async fn run(config: &Config, verb: &Command) -> anyhow::Result<ExitCode> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    match verb {
        Command::List { json } => list(config, *json).await?,
        Command::Remove { who, yes } => remove(config, who, *yes).await?,
        Command::Confirm { who, address } => confirm(config, who, address.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody, with what stands elsewhere.
struct ListedUser {
    user: User,
    artists: u64,
    /// Typed, and not confirmed yet.
    awaiting: Option<EmailAddress>,
}

impl ListedUser {
    fn state(&self) -> String {
        match &self.user {
            User { deleted_at: Some(at), .. } => format!("withdrew; deleted on {at}"),
            User { must_sign_in: true, .. } => "must sign in again".into(),
            User { trouble: Some(why), .. } => format!("refused by Spotify: {why}"),
            _ => "connected".into(),
        }
    }

    fn emails(&self) -> String {
        let User { address, bouncing_since, .. } = &self.user;
        let mut words = match address {
            Some(address) => address.as_str().to_owned(),
            None => "no address".into(),
        };
        if let Some(since) = bouncing_since {
            words += &format!(" (letters come back since {since})");
        }
        if let Some(awaiting) = &self.awaiting {
            words += &format!(" (to be confirmed: {})", awaiting.as_str());
        }
        words
    }

    fn goes_by(&self, who: &str) -> bool {
        let address = self.user.address.as_ref().map(EmailAddress::as_str);
        self.user.id.0.to_string() == who
            || self.user.spotify_id == who
            || address == Some(who)
            || self.awaiting.as_ref().map(EmailAddress::as_str) == Some(who)
    }
}

async fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let (clock, chance) = super::machine();
    let listed = all(&app::open_database(config, &clock, &chance)?).await?;
    if as_json {
        let listed: Vec<_> = listed.iter().map(as_value).collect();
        say(&serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["No.", "Spotify id", "Name", "Artists", "State", "Letters go to"]);
    for listed in &listed {
        let User { id, spotify_id, display_name, .. } = &listed.user;
        let (id, artists) = (id.0.to_string(), listed.artists.to_string());
        let (state, emails) = (listed.state(), listed.emails());
        table.add_row([&id, spotify_id, display_name, &artists, &state, &emails]);
    }
    table.lines().for_each(|line| say(line.trim_end()));
    Ok(())
}

fn as_value(listed: &ListedUser) -> serde_json::Value {
    let User { id, spotify_id, display_name, address, .. } = &listed.user;
    let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    json!({
        "number": id.0, "spotify_id": spotify_id, "name": display_name, "state": listed.state(),
        "artists": listed.artists, "address": address.as_ref().map(EmailAddress::as_str),
        "address_to_be_confirmed": listed.awaiting.as_ref().map(EmailAddress::as_str),
        "emails_bounce_since": time(listed.user.bouncing_since),
        "here_since": listed.user.created_at.to_string(),
        "consented_at": time(listed.user.authorized_at), "deleted_at": time(listed.user.deleted_at),
    })
}

async fn remove(config: &Config, who: &str, is_sure: bool) -> anyhow::Result<()> {
    let (clock, chance) = super::machine();
    let ctx = app::build(config, clock, chance)?;
    let listed = find(&ctx.db, who).await?;
    let name = describe(&listed);
    if !is_sure && !agrees(&format!("Delete everything about {name}? There is no way back. [y/N]"))?
    {
        bail!("nothing was deleted");
    }
    delete_account::delete_account(&ctx, listed.user.id).await?;
    say(&format!("Everything about {name} is deleted."));
    Ok(())
}

async fn confirm(config: &Config, who: &str, typed: Option<&str>) -> anyhow::Result<()> {
    let (clock, chance) = super::machine();
    let ctx = app::build(config, clock, chance)?;
    let listed = find(&ctx.db, who).await?;
    let address = match typed {
        Some(typed) => {
            EmailAddress::parse(typed).with_context(|| format!("{typed} is no address"))?
        }
        None => listed.awaiting.clone().with_context(|| {
            format!("{} has typed no address that waits: name one", describe(&listed))
        })?,
    };
    address::confirm_as_admin(&ctx, listed.user.id, &address).await?;
    say(&format!("Letters to {} go to {} from now on.", describe(&listed), address.as_str()));
    Ok(())
}

fn agrees(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to ask: say --yes if you are sure");
    }
    complain(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn describe(listed: &ListedUser) -> String {
    let User { id, spotify_id, display_name, .. } = &listed.user;
    format!("number {} ({display_name}, {spotify_id} at Spotify)", id.0)
}

/// The one user who goes by this.
async fn find(db: &Db, who: &str) -> anyhow::Result<ListedUser> {
    let mut found: Vec<ListedUser> =
        all(db).await?.into_iter().filter(|listed| listed.goes_by(who)).collect();
    let Some(listed) = found.pop() else {
        bail!("nobody here goes by {who}: see dropday users list");
    };
    match found.first() {
        None => Ok(listed),
        Some(other) => bail!(
            "{who} is {} as well as {}: name them by something else",
            describe(other),
            describe(&listed)
        ),
    }
}

async fn all(db: &Db) -> anyhow::Result<Vec<ListedUser>> {
    let read = |tx: &Tx<'_>| {
        let with_more = |user: User| {
            let artists = follows::count(tx, user.id)?;
            let awaiting = confirmation_links::awaiting(tx, user.id)?.and_then(|link| link.address);
            Ok(ListedUser { user, artists, awaiting })
        };
        users::all(tx)?.into_iter().map(with_more).collect()
    };
    Ok(db.read("users", read).await?)
}
