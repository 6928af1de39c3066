//! The command line.

mod backup;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod dns;
mod export;
mod health;
mod invite;
mod key;
mod next_step;
mod once;
mod send_test;
mod serve;
mod status;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{CommandFactory, Parser, Subcommand};

use crate::app::{self, privileges};
use crate::clock::{Chance, Clock, SystemChance, SystemClock};
use crate::config::{self, Config, ConfigError, KeySource};
use crate::email::smtp::SettingsError;
use crate::store::Db;
use crate::store::files::folder_of;
use crate::terminal::{complain, say};

/// The configuration is wrong (`EX_CONFIG` of sysexits.h): to start again would not help.
const EXIT_CONFIG: u8 = 78;

#[derive(Parser)]
#[command(
    name = "dropday",
    version,
    about = "An e-mail when an artist you follow on Spotify puts out a new album",
    long_about = "An e-mail when an artist you follow on Spotify puts out a new album.\n\n\
        People sign in with Spotify once. Dropday watches the artists they follow, within the few \
        calls a day that Spotify allows, and writes to them about new albums.",
    after_help = "To see it without any set-up:   dropday demo\n\
        To set it up:\n  \
          1. Register an app at https://developer.spotify.com/dashboard; its owner needs Premium.\n  \
          2. Write /etc/dropday/dropday.toml, or set the same keys in the environment:\n\n       \
               [spotify]\n       \
               client_id = \"...\"\n       \
               [mail]\n       \
               smtp_url = \"smtps://user:password@mail.example.com\"\n       \
               from = \"Dropday <dropday@example.com>\"\n\n  \
          3. dropday check   says what is still wrong, and what to do about it.\n  \
          4. dropday serve   and open http://127.0.0.1:8888.\n\n\
        dropday check --defaults   prints every key with its default and a reason."
)]
struct Cli {
    /// The configuration; otherwise /etc/dropday/dropday.toml if it exists, then DROPDAY_* variables.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run: the web pages and the background work, until stopped.
    Serve,
    /// Do every background job one time, now, and exit: follows, checks that are due, emails.
    ///
    /// The exit code is 0 only if none of it failed. Works beside a running `dropday serve`.
    Once {
        /// Ask about every followed artist now, as far as the day's calls go.
        #[arg(long)]
        all: bool,
    },
    /// Show Dropday at work, with a made-up Spotify and a made-up inbox: no account, no set-up.
    #[cfg(feature = "demo")]
    Demo {
        /// Play it without a user, print each step and the first email, and exit.
        #[arg(long)]
        headless: bool,
    },
    /// Say what is wrong with configuration, database, key, mail log-in and redirect address.
    Check {
        /// Print every key with its default and a reason instead.
        #[arg(long)]
        defaults: bool,
        /// Send a test email to this address, and say what the mail server answered.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "defaults")]
        send_to: Option<String>,
    },
    /// Send a test email to an address, and say what the mail server answered.
    SendTest {
        /// Where to.
        address: String,
    },
    /// Show users, artists, calls used and left, and emails owed.
    Status {
        /// The same for programs.
        #[arg(long)]
        json: bool,
    },
    /// Ask the daemon of this configuration whether it is well; the exit code is 0 if it is, else 1.
    ///
    /// For the health check of a container. Asks /healthz at web.listen, for five seconds at most.
    Health,
    /// Show who is here, remove somebody, or confirm an address by hand.
    #[command(subcommand)]
    Users(users::Command),
    /// Print a link that lets one user in, once, where web.sign_up is "invitation".
    Invite(invite::Invite),
    /// Print everything that is stored about a user, as JSON, without tokens.
    Export {
        /// Their number here, their id at Spotify, or their confirmed address.
        user: String,
        /// Write it to this new file, which only you can read, instead.
        file: Option<PathBuf>,
    },
    /// Write everything but the key to one file, also beside a running daemon.
    Backup {
        /// The file.
        file: PathBuf,
        /// Replace a file that is there already, once the backup is whole.
        #[arg(long)]
        force: bool,
    },
    /// Put a backup in the place of the database, while no daemon runs.
    ///
    /// Its version and its key are checked before anything is touched, and the database that is there
    /// is kept aside.
    Restore {
        /// What `dropday backup` wrote.
        file: PathBuf,
    },
    /// See to the key that tokens are sealed with.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Encrypt everything with a new key, while no daemon runs.
    ///
    /// If it is interrupted, everything still works. Run it again to finish.
    Rotate {
        /// Where the new key lies, or is to be written, if the configuration gives the earlier one.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

impl Command {
    fn needs_config(&self) -> bool {
        match self {
            #[cfg(feature = "demo")]
            Self::Demo { .. } => false,
            Self::Check { defaults, .. } => !defaults,
            _ => true,
        }
    }
}

/// What the command line knows, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    match begin(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            match error.is::<ConfigError>() || error.is::<SettingsError>() {
                true => ExitCode::from(EXIT_CONFIG),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn begin(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = config::load(cli.config.as_deref(), environment());
    if cli.verb.needs_config()
        && let Ok(config) = &config
    {
        crate::logging::start(config.log_level, config.log_format);
        drop_root(&cli.verb, config)?;
    }
    in_runtime(run(cli.verb, config, cli.config))
}

fn in_runtime(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(work);
    // Without waiting for what cannot be interrupted, such as a name server that does not answer.
    runtime.shutdown_background();
    ended
}

/// Continues as the owner of the database's folder if root runs this, while there is one thread only. Files in a
/// folder of root's are written as root: a backup, for which the database is only read, and a new key.
fn drop_root(verb: &Command, config: &Config) -> anyhow::Result<()> {
    match verb {
        Command::Backup { file, .. } if privileges::is_of_root(folder_of(file)) => return Ok(()),
        Command::Key(KeyCommand::Rotate { to: Some(to) })
            if privileges::is_of_root(folder_of(to))
                && matches!(config.key, KeySource::Given(..)) =>
        {
            app::create_key_file(to, &SystemChance)?;
        }
        _ => {}
    }
    privileges::become_owner_of(folder_of(&config.database))
}

async fn run(
    verb: Command,
    config: Result<Config, ConfigError>,
    file: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    match verb {
        Command::Serve => serve::run(&config?, file).await,
        Command::Once { all } => once::run(&config?, all).await,
        #[cfg(feature = "demo")]
        Command::Demo { headless } => demo::run(headless).await,
        Command::Check { defaults: true, .. } => {
            say(config::DEFAULTS.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { defaults: false, send_to } => check::run(config, send_to.as_deref()).await,
        Command::Invite(what) => invite::run(&config?, &what).await,
        Command::Export { user, file } => export::run(&config?, user, file.as_deref()).await,
        Command::SendTest { address } => send_test::run(&config?, &address).await,
        Command::Status { json } => status::run(&config?, json).await,
        Command::Health => health::run(config).await,
        Command::Users(verb) => users::run(&config?, &verb).await,
        Command::Backup { file, force } => backup::write(&config?, &file, force).await,
        Command::Restore { file } => backup::restore(&config?, &file).await,
        Command::Key(KeyCommand::Rotate { to }) => key::rotate(&config?, to.as_deref()).await,
    }
}

/// The environment, less variables that are no Unicode: none of ours is.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

/// The database, where Dropday has run before: commands that look into it make none.
fn existing_database(config: &Config) -> anyhow::Result<Db> {
    if !config.database.exists() {
        bail!(
            "there is no database at {} yet. It is made when Dropday first runs: dropday serve",
            config.database.display()
        );
    }
    let (clock, chance) = machine();
    app::open_database(config, &clock, &chance)
}

fn machine() -> (Arc<dyn Clock>, Arc<dyn Chance>) {
    (Arc::new(SystemClock), Arc::new(SystemChance))
}

fn code(has_failed: bool) -> ExitCode {
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
