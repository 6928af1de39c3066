//! `dropday invite`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use comfy_table::{Table, presets};
use jiff::{SignedDuration, Timestamp};

use crate::accounts::invitations as inviting;
use crate::config::Config;
use crate::domain::signup_policy::SignUpPolicy;
use crate::store::invitations::{self, Invitation, Withdrawal};
use crate::store::{Db, StoreError};
use crate::terminal::{print_err, print_out};

#[derive(Debug, Args)]
pub(super) struct Invite {
    /// A note for the list, such as who it is for.
    #[arg(long = "for", value_name = "NOTE", default_value = "", hide_default_value = true)]
    note: String,
    /// How many days it is valid.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
    /// List invitations instead, up to a month after they expire.
    #[arg(long, conflicts_with_all = ["note", "days", "withdraw"])]
    list: bool,
    /// Withdraw the invitation with this number instead.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["note", "days"])]
    withdraw: Option<i64>,
}

pub(super) async fn run(config: &Config, what: &Invite) -> anyhow::Result<ExitCode> {
    let db = super::existing_database(config)?;
    match what.withdraw {
        Some(number) => withdraw(&db, number).await?,
        None if what.list => list(&db).await?,
        None => invite(config, &db, what).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Standard output has only the link, for programs.
async fn invite(config: &Config, db: &Db, what: &Invite) -> Result<(), StoreError> {
    let (_, rng) = super::machine();
    let good_for = SignedDuration::from_hours(i64::from(what.days) * 24);
    let made = inviting::make(db, &*rng, &what.note, good_for).await?;
    let public_url = config.web.public_url.as_str().trim_end_matches('/');
    print_out(&format!("{public_url}{}", made.path));
    let Invitation { number, expires_at, .. } = made.invitation;
    print_err(&format!(
        "invitation {number} lets one person sign up, until {}. The link is not shown again. To withdraw it: \
         dropday invite --withdraw {number}",
        minute(expires_at)
    ));
    match config.web.instance.sign_up {
        SignUpPolicy::Invitation => {}
        SignUpPolicy::Open => {
            print_err("note: web.sign_up is \"open\", so invitations are not needed")
        }
        SignUpPolicy::Closed => {
            print_err("note: web.sign_up is \"closed\", so invitations do not work")
        }
    }
    Ok(())
}

async fn list(db: &Db) -> Result<(), StoreError> {
    let (now, all) =
        db.read("list invitations", |tx| Ok((tx.now(), invitations::list(tx)?))).await?;
    if all.is_empty() {
        print_out("There are no invitations.");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Number", "For", "Created", "State"]);
    for invitation in &all {
        let (number, made) = (invitation.number.to_string(), minute(invitation.made_at));
        table.add_row([number, invitation.note.clone(), made, state(invitation, now)]);
    }
    table.lines().for_each(|line| print_out(line.trim_end()));
    Ok(())
}

fn state(invitation: &Invitation, now: Timestamp) -> String {
    match &invitation.used {
        Some((at, name)) if name.is_empty() => format!("used on {}", minute(*at)),
        Some((at, name)) => format!("used by {name} on {}", minute(*at)),
        None if invitation.is_good(now) => format!("valid until {}", minute(invitation.expires_at)),
        None => format!("expired on {}", minute(invitation.expires_at)),
    }
}

async fn withdraw(db: &Db, number: i64) -> anyhow::Result<()> {
    match db.write("withdraw invitation", move |tx| invitations::withdraw(tx, number)).await? {
        Withdrawal::Done => print_out(&format!("Withdrew invitation {number}.")),
        Withdrawal::Used => {
            bail!("invitation {number} was already used. To remove the user: dropday users remove")
        }
        Withdrawal::Unknown => bail!("there is no invitation {number}: see dropday invite --list"),
    }
    Ok(())
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
