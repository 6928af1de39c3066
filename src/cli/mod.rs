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
use crate::clock::{Clock, Rng, SystemClock, SystemRng};
use crate::config::{self, Config, ConfigError, KeySource};
use crate::email::smtp::SettingsError;
use crate::store::Db;
use crate::store::files::folder_of;
use crate::terminal::{print_err, print_out};

/// The configuration is invalid (`EX_CONFIG` of sysexits.h), so a restart would not help.
const EXIT_CONFIG: u8 = 78;

#[derive(Parser)]
#[command(
    name = "dropday",
    version,
    about = "Emails you when an artist you follow on Spotify releases an album",
    long_about = "Emails you when an artist you follow on Spotify releases an album.\n\n\
        Users sign in with Spotify once. Dropday tracks the artists they follow, within the few \
        calls a day that Spotify allows, and emails them about new albums.",
    after_help = "To try it without any setup:   dropday demo\n\
        To set it up:\n  \
          1. Register an app at https://developer.spotify.com/dashboard; its owner needs Premium.\n  \
          2. Write /etc/dropday/dropday.toml, or set the same keys in the environment:\n\n       \
               [spotify]\n       \
               client_id = \"...\"\n       \
               [mail]\n       \
               smtp_url = \"smtps://user:password@mail.example.com\"\n       \
               from = \"Dropday <dropday@example.com>\"\n\n  \
          3. dropday check   lists remaining problems and how to fix them.\n  \
          4. dropday serve   and open http://127.0.0.1:8888.\n\n\
        dropday check --defaults   prints every key with its default and a comment."
)]
struct Cli {
    /// The configuration file [default: /etc/dropday/dropday.toml if it exists]; DROPDAY_* variables override it.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the web pages and the background jobs until stopped.
    Serve,
    /// Run every background job once and exit: sync follows, make due checks, send emails.
    ///
    /// The exit code is 0 only if none of them failed. Can run beside `dropday serve`.
    Once {
        /// Check every followed artist now, as far as the day's calls allow.
        #[arg(long)]
        all: bool,
    },
    /// Try Dropday with a fake Spotify and a fake inbox: no account, no setup.
    #[cfg(feature = "demo")]
    Demo {
        /// Run it without a browser, print each step and the first email, and exit.
        #[arg(long)]
        headless: bool,
    },
    /// Check configuration, database, key, mail server login and redirect URI.
    Check {
        /// Print every key with its default and a comment instead.
        #[arg(long)]
        defaults: bool,
        /// Also send a test email to this address.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "defaults")]
        send_to: Option<String>,
    },
    /// Send a test email and print what the mail server answered.
    SendTest {
        /// The recipient.
        address: String,
    },
    /// Show problems, users, artists, calls used and left, and queued emails.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check whether the daemon is healthy: exit code 0 if it is, 1 otherwise.
    ///
    /// For a container's health check. Requests /healthz at web.listen, for at most five seconds.
    Health,
    /// List users, remove one, or confirm an email address yourself.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Print a single-use sign-up link, for web.sign_up = "invitation".
    Invite(invite::Invite),
    /// Print everything that is stored about a user, as JSON, without tokens.
    Export {
        /// Their number, Spotify ID or confirmed email address.
        user: String,
        /// Write to this new file, readable only by you.
        file: Option<PathBuf>,
    },
    /// Write everything but the key to one file. Can run beside the daemon.
    Backup {
        /// The file to write.
        file: PathBuf,
        /// Replace an existing file once the backup is complete.
        #[arg(long)]
        force: bool,
    },
    /// Replace the database with a backup while no daemon runs.
    ///
    /// Version and key are checked first, and the current database is kept under another name.
    Restore {
        /// A file written by `dropday backup`.
        file: PathBuf,
    },
    /// Manage the encryption key.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Re-encrypt everything with a new key while no daemon runs.
    ///
    /// If it is interrupted, everything still works. Run it again to finish.
    Rotate {
        /// The file with the new key, or to write it to, if the current key is set in the configuration.
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

/// For manual pages and shell completions.
pub fn command() -> clap::Command {
    Cli::command()
}

pub fn main() -> ExitCode {
    match begin(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            print_err(&format!("{error:#}"));
            match error.is::<ConfigError>() || error.is::<SettingsError>() {
                true => ExitCode::from(EXIT_CONFIG),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn begin(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = config::load(cli.config.as_deref(), environment());
    if cli.command.needs_config()
        && let Ok(config) = &config
    {
        crate::logging::start(config.log_level, config.log_format);
        drop_root(&cli.command, config)?;
    }
    in_runtime(run(cli.command, config, cli.config))
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
fn drop_root(command: &Command, config: &Config) -> anyhow::Result<()> {
    match command {
        Command::Backup { file, .. } if privileges::is_of_root(folder_of(file)) => return Ok(()),
        Command::Key(KeyCommand::Rotate { to: Some(to) })
            if privileges::is_of_root(folder_of(to))
                && matches!(config.key, KeySource::Given(..)) =>
        {
            app::create_key_file(to, &SystemRng)?;
        }
        _ => {}
    }
    privileges::become_owner_of(folder_of(&config.database))
}

async fn run(
    command: Command,
    config: Result<Config, ConfigError>,
    file: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => serve::run(&config?, file).await,
        Command::Once { all } => once::run(&config?, all).await,
        #[cfg(feature = "demo")]
        Command::Demo { headless } => demo::run(headless).await,
        Command::Check { defaults: true, .. } => {
            print_out(config::DEFAULTS.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { defaults: false, send_to } => check::run(config, send_to.as_deref()).await,
        Command::Invite(what) => invite::run(&config?, &what).await,
        Command::Export { user, file } => export::run(&config?, user, file.as_deref()).await,
        Command::SendTest { address } => send_test::run(&config?, &address).await,
        Command::Status { json } => status::run(&config?, json).await,
        Command::Health => health::run(config).await,
        Command::Users(command) => users::run(&config?, &command).await,
        Command::Backup { file, force } => backup::write(&config?, &file, force).await,
        Command::Restore { file } => backup::restore(&config?, &file).await,
        Command::Key(KeyCommand::Rotate { to }) => key::rotate(&config?, to.as_deref()).await,
    }
}

/// Skips variables that are not Unicode.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

/// Opens the database, but never creates it.
fn existing_database(config: &Config) -> anyhow::Result<Db> {
    if !config.database.exists() {
        bail!(
            "there is no database at {} yet. It is created when Dropday first runs: dropday serve",
            config.database.display()
        );
    }
    let (clock, rng) = machine();
    app::open_database(config, &clock, &rng)
}

fn machine() -> (Arc<dyn Clock>, Arc<dyn Rng>) {
    (Arc::new(SystemClock), Arc::new(SystemRng))
}

fn code(has_failed: bool) -> ExitCode {
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
