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
use crate::terminal::{complain, say};

/// What to do about invitations.
#[derive(Debug, Args)]
pub(super) struct Invite {
    /// For whom it is: for the list alone.
    #[arg(long = "for", value_name = "NOTE", default_value = "", hide_default_value = true)]
    note: String,
    /// For how many days it is good.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
    /// List the invitations that are remembered instead: until a month after they end.
    #[arg(long, conflicts_with_all = ["note", "days", "withdraw"])]
    list: bool,
    /// Withdraw the invitation of this number instead.
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

/// The link stands alone on standard output, for programs; what is to be known of it beside it.
async fn invite(config: &Config, db: &Db, what: &Invite) -> Result<(), StoreError> {
    let (_, chance) = super::machine();
    let good_for = SignedDuration::from_hours(i64::from(what.days) * 24);
    let made = inviting::make(db, &*chance, &what.note, good_for).await?;
    let public_url = config.web.public_url.as_str().trim_end_matches('/');
    say(&format!("{public_url}{}", made.path));
    let Invitation { number, expires_at, .. } = made.invitation;
    complain(&format!(
        "invitation {number} lets one person in, until {}. It is not shown again; dropday invite \
         --withdraw {number} takes it back",
        minute(expires_at)
    ));
    match config.web.instance.sign_up {
        SignUpPolicy::Invitation => {}
        SignUpPolicy::Open => {
            complain("note: web.sign_up is \"open\", so nobody needs an invitation")
        }
        SignUpPolicy::Closed => {
            complain("note: web.sign_up is \"closed\", so no invitation lets anybody in")
        }
    }
    Ok(())
}

async fn list(db: &Db) -> Result<(), StoreError> {
    let (now, all) =
        db.read("list invitations", |tx| Ok((tx.now(), invitations::list(tx)?))).await?;
    if all.is_empty() {
        say("There are no invitations.");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Number", "For", "Made", "State"]);
    for invitation in &all {
        let (number, made) = (invitation.number.to_string(), minute(invitation.made_at));
        table.add_row([number, invitation.note.clone(), made, state(invitation, now)]);
    }
    table.lines().for_each(|line| say(line.trim_end()));
    Ok(())
}

fn state(invitation: &Invitation, now: Timestamp) -> String {
    match &invitation.used {
        Some((at, name)) if name.is_empty() => format!("used on {}", minute(*at)),
        Some((at, name)) => format!("used by {name} on {}", minute(*at)),
        None if invitation.is_good(now) => format!("good until {}", minute(invitation.expires_at)),
        None => format!("over since {}", minute(invitation.expires_at)),
    }
}

async fn withdraw(db: &Db, number: i64) -> anyhow::Result<()> {
    match db.write("withdraw invitation", move |tx| invitations::withdraw(tx, number)).await? {
        Withdrawal::Done => say(&format!("Invitation {number} lets nobody in any more.")),
        Withdrawal::Used => {
            bail!(
                "invitation {number} was used already: who it let in can leave only by themselves"
            )
        }
        Withdrawal::Unknown => bail!("there is no invitation {number}: see dropday invite --list"),
    }
    Ok(())
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
