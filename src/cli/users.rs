//! `dropday users`

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
use crate::terminal::{print_err, print_out};

#[derive(Subcommand)]
pub(super) enum UsersCommand {
    /// List all users with number, Spotify ID, name, state and email address.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a user and all of their data. They get one last email.
    Remove {
        /// Their number, Spotify ID or email address, as shown by `dropday users list`.
        who: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Confirm a user's email address yourself.
    Confirm {
        /// Their number, Spotify ID or email address, as shown by `dropday users list`.
        who: String,
        /// The address [default: the one they entered and have not confirmed yet].
        address: Option<String>,
    },
}

pub(super) async fn run(config: &Config, command: &UsersCommand) -> anyhow::Result<ExitCode> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    match command {
        UsersCommand::List { json } => list(config, *json).await?,
        UsersCommand::Remove { who, yes } => remove(config, who, *yes).await?,
        UsersCommand::Confirm { who, address } => confirm(config, who, address.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

struct ListedUser {
    user: User,
    artists: u64,
    /// Entered and not confirmed yet.
    awaiting: Option<EmailAddress>,
}

impl ListedUser {
    fn state(&self) -> String {
        match &self.user {
            User { deleted_at: Some(at), .. } => {
                format!("revoked Spotify access; will be deleted at {at}")
            }
            User { must_sign_in: true, .. } => "must reconnect".into(),
            User { trouble: Some(why), .. } => format!("rejected by Spotify: {why}"),
            _ => "connected".into(),
        }
    }

    fn emails(&self) -> String {
        let User { address, bouncing_since, .. } = &self.user;
        let mut words = match address {
            Some(address) => address.as_str().to_owned(),
            None => "no email".into(),
        };
        if let Some(since) = bouncing_since {
            words += &format!(" (bouncing since {since})");
        }
        if let Some(awaiting) = &self.awaiting {
            words += &format!(" (not confirmed yet: {})", awaiting.as_str());
        }
        words
    }

    fn matches(&self, who: &str) -> bool {
        let address = self.user.address.as_ref().map(EmailAddress::as_str);
        self.user.id.0.to_string() == who
            || self.user.spotify_id == who
            || address == Some(who)
            || self.awaiting.as_ref().map(EmailAddress::as_str) == Some(who)
    }
}

async fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let (clock, rng) = super::machine();
    let listed = all(&app::open_database(config, &clock, &rng)?).await?;
    if as_json {
        let listed: Vec<_> = listed.iter().map(as_value).collect();
        print_out(&serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["No.", "Spotify ID", "Name", "Artists", "State", "Email"]);
    for listed in &listed {
        let User { id, spotify_id, display_name, .. } = &listed.user;
        let (id, artists) = (id.0.to_string(), listed.artists.to_string());
        let (state, emails) = (listed.state(), listed.emails());
        table.add_row([&id, spotify_id, display_name, &artists, &state, &emails]);
    }
    table.lines().for_each(|line| print_out(line.trim_end()));
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
    let (clock, rng) = super::machine();
    let ctx = app::build(config, clock, rng)?;
    let listed = find(&ctx.db, who).await?;
    let name = describe(&listed);
    if !is_sure
        && !ask(&format!("Delete {name} and all of their data? This cannot be undone. [y/N]"))?
    {
        bail!("nothing was deleted");
    }
    delete_account::delete_account(&ctx, listed.user.id).await?;
    print_out(&format!("Deleted {name} and all of their data."));
    Ok(())
}

async fn confirm(config: &Config, who: &str, typed: Option<&str>) -> anyhow::Result<()> {
    let (clock, rng) = super::machine();
    let ctx = app::build(config, clock, rng)?;
    let listed = find(&ctx.db, who).await?;
    let address = match typed {
        Some(typed) => {
            EmailAddress::parse(typed).with_context(|| format!("{typed} is not a valid address"))?
        }
        None => listed.awaiting.clone().with_context(|| {
            format!("{} has no unconfirmed address: name one", describe(&listed))
        })?,
    };
    address::confirm_as_admin(&ctx, listed.user.id, &address).await?;
    print_out(&format!("Emails for {} now go to {}.", describe(&listed), address.as_str()));
    Ok(())
}

fn ask(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("cannot ask without a terminal: use --yes if you are sure");
    }
    print_err(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn describe(listed: &ListedUser) -> String {
    let User { id, spotify_id, display_name, .. } = &listed.user;
    format!("number {} ({display_name}, {spotify_id} at Spotify)", id.0)
}

async fn find(db: &Db, who: &str) -> anyhow::Result<ListedUser> {
    let mut found: Vec<ListedUser> =
        all(db).await?.into_iter().filter(|listed| listed.matches(who)).collect();
    let Some(listed) = found.pop() else {
        bail!("no such user: {who}. See dropday users list");
    };
    match found.first() {
        None => Ok(listed),
        Some(other) => bail!(
            "{who} matches both {} and {}: use another identifier",
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
    Ok(db.read("list users", read).await?)
}
