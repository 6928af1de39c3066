//! Log formats: text, JSON and the systemd journal.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use serde_json::Value;

use crate::binary::{Machine, to_its_end};

#[tokio::test]
async fn each_run_is_logged_in_text_and_json() {
    for format in ["auto", "text", "json"] {
        let machine = Machine::with(&[("LOG__FORMAT", format)]).await;
        let mut daemon = machine.serve().await;
        let artist = machine.world.add_artist("Röyksopp");
        machine.listener("Martha", &[&artist]).await;
        machine.looked_at_everything().await;
        daemon.signal("TERM");
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
        let said = daemon.said();
        let done = "checked 1 artists (1 for the first time)";
        let line =
            said.lines().find(|line| line.contains(done)).unwrap_or_else(|| panic!("{said}"));
        if format == "json" {
            let events: Vec<Value> =
                said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(
                events
                    .iter()
                    .all(|event| event["timestamp"].is_string() && event["message"].is_string()),
                "{said}"
            );
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&event["level"], &event["job"], &event["result"]),
                (&"INFO".into(), &"releases".into(), &"ok".into())
            );
        } else {
            assert!(
                line.contains(" INFO ") && line.ends_with("job=\"releases\" result=\"ok\""),
                "{line}"
            );
            assert!(!said.contains('\u{1b}'), "colours are for terminals");
        }
        machine.finish().await;
    }
}

#[tokio::test]
async fn invalid_log_format_is_a_configuration_error() {
    let machine = Machine::with(&[("LOG__FORMAT", "yaml")]).await;
    let ended = machine.run(&["once"]).await;
    assert_eq!(ended.code, Some(78));
    assert!(
        ended.err.contains("`log.format` is `yaml`; it must be auto, text, json or journal"),
        "{ended:?}"
    );
    machine.finish().await;
}

/// What `dropday once` on a new machine told a journal at systemd's address, and standard error; `None` where
/// the machine allows no mount of its own.
async fn told(journal_stream: &str) -> Option<(String, String)> {
    let machine = Machine::new().await;
    let run = machine.folder.path().join("run/systemd/journal");
    std::fs::create_dir_all(&run).unwrap();
    let journal = UnixDatagram::bind(run.join("socket")).unwrap();
    let script = format!(
        "mount --bind run /run || exit 99
         export JOURNAL_STREAM={journal_stream}
         exec \"$PROGRAM\" --config dropday.toml once"
    );
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).current_dir(machine.folder.path());
    let usual = machine.command(&[]);
    command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("DROPDAY_LOG__FORMAT", "auto");
    command.env("PROGRAM", env!("CARGO_BIN_EXE_dropday"));
    let ended = to_its_end(command).await;
    let is_allowed = ended.code != Some(99) && !ended.err.contains("unshare:");
    assert!(!is_allowed || ended.code == Some(0), "{ended:?}");
    machine.finish().await;
    journal.set_nonblocking(true).unwrap();
    let (mut heard, mut entry) = (String::new(), [0; 65_536]);
    while let Ok(size) = journal.recv(&mut entry) {
        heard += &String::from_utf8_lossy(&entry[..size]);
    }
    is_allowed.then_some((heard, ended.err))
}

const MADE: &str = "created the key that encrypts tokens";

#[tokio::test]
async fn journal_entries_have_priority_and_fields() {
    // systemd names the file that it has tied to its journal; here it is the one that there is.
    let tied = "$(stat -Lc %d:%i /proc/self/fd/2)";
    let Some((heard, said)) = told(tied).await else { return };
    for part in [MADE, "PRIORITY", "SYSLOG_IDENTIFIER", "DROPDAY_FILE"] {
        assert!(heard.contains(part), "no {part} in {heard:?}; {said}");
    }
    assert!(!said.contains(MADE), "told twice");
}

#[tokio::test]
async fn journal_is_not_used_when_stderr_is_redirected() {
    let Some((heard, said)) = told("1:2").await else { return };
    assert!(heard.is_empty() && said.contains(MADE), "{heard:?} {said}");
}
