//! Startup, when opening the database takes long.

use std::fs::File;

use crate::binary::Machine;
use crate::systemd::Supervisor;

/// Takes the lock that a process waits for before it opens the database.
fn lock(machine: &Machine) -> File {
    let lock = machine.folder.path().join("dropday.db.lock");
    let lock = File::options().create(true).append(true).open(lock).unwrap();
    lock.lock().unwrap();
    lock
}

#[tokio::test]
async fn daemon_is_not_ready_until_database_is_open() {
    let machine = Machine::new().await;
    let held = lock(&machine);
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    supervisor.until("STATUS=Starting: opening the database").await;
    assert_eq!(machine.run(&["health"]).await.code, Some(1), "no port is open");
    held.unlock().unwrap();
    let states = supervisor.until("READY=1").await;
    assert_eq!(states.len(), 1, "{states:?}");
    assert_eq!(machine.run(&["health"]).await.code, Some(0));
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn signal_stops_startup_that_waits_for_lock() {
    let machine = Machine::new().await;
    let held = lock(&machine);
    for (command, code) in [("serve", 0), ("once", 1)] {
        let (supervisor, mut process) = Supervisor::start(&machine, command);
        supervisor.until("STATUS=Starting: opening the database").await;
        process.signal("TERM");
        assert_eq!(process.ended().await, Some(code), "{}", process.said());
    }
    held.unlock().unwrap();
    machine.finish().await;
}
