//! `dropday once`

use std::process::ExitCode;

use indicatif::ProgressBar;

use crate::config::Config;
use crate::daemon::lifecycle::{self, Signals};
use crate::jobs::{
    RunControl, Scope, check_artists, consent_reminders, disk_space, fetch_hints, maintenance,
    send_emails, sync_follows,
};
use crate::terminal::{print_out, progress};

pub(super) async fn run(config: &Config, all: bool) -> anyhow::Result<ExitCode> {
    let (clock, rng) = super::machine();
    let mut signals = Signals::listen()?;
    let Some(ctx) = lifecycle::build(config, clock, rng, &mut signals).await? else {
        return Ok(super::code(true));
    };
    let stop = signals.cancel_token();

    disk_space::run(&ctx).await?;
    print_out(&consent_reminders::run(&ctx).await?.to_string());

    let bar = progress("follows");
    let follows = sync_follows::run(&ctx, Scope::All, &watch(&stop, &tell(&bar))).await?;
    finish(&bar, &follows);

    let bar = progress("hints");
    let hints = fetch_hints::run(&ctx, &watch(&stop, &tell(&bar))).await?;
    finish(&bar, &hints);

    let bar = progress("artists");
    let scope = if all { Scope::All } else { Scope::Due };
    let releases = check_artists::run(&ctx, scope, &watch(&stop, &tell(&bar))).await?;
    finish(&bar, &releases);

    let bar = progress("letters");
    let emails = send_emails::run(&ctx, Scope::All, &watch(&stop, &tell(&bar))).await?;
    finish(&bar, &emails);

    maintenance::run(&ctx, &stop).await?;

    // Failed hints do not count: scheduled checks find every release anyway.
    let has_failed = follows.has_failed() || releases.has_failed() || emails.has_failed();
    Ok(super::code(has_failed || stop.is_cancelled()))
}

fn watch<'a>(
    stop: &'a tokio_util::sync::CancellationToken,
    progress: &'a (dyn Fn(u64, u64) + Send + Sync),
) -> RunControl<'a> {
    RunControl { stop, progress }
}

fn tell(bar: &ProgressBar) -> impl Fn(u64, u64) + Send + Sync + use<> {
    let bar = bar.clone();
    move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    }
}

fn finish(bar: &ProgressBar, outcome: &dyn std::fmt::Display) {
    bar.finish_and_clear();
    print_out(&outcome.to_string());
}
