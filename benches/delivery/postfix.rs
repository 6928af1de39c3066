//! Postfix's test programs: `smtp-sink` accepts emails and discards them, `smtp-source` generates them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Connections;

/// A running `smtp-sink`.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Sink {
    /// Starts it on a free port. `None` if it is not installed.
    #[expect(clippy::disallowed_methods, reason = "another program starts on the real clock")]
    pub(crate) fn start() -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?;
        let mut command = Command::new("smtp-sink");
        // As root it requires a user to run as.
        command.args(["-u", "nobody", &free.to_string(), "1000"]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let sink = Self { address: free, process };
        for _ in 0..100 {
            if TcpStream::connect(free).is_ok() {
                return Some(sink);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Emails per second of `smtp-source`.
    pub(crate) fn source_rate(
        &self,
        emails: usize,
        sessions: usize,
        size: usize,
        connections: Connections,
    ) -> f64 {
        let mut command = Command::new("smtp-source");
        if connections == Connections::Kept {
            command.arg("-d");
        }
        command.args(["-s", &sessions.to_string(), "-m", &emails.to_string()]);
        command.args(["-l", &size.to_string(), "-f", "dropday@example.com"]);
        command.args(["-t", "martha@example.org", &self.address.to_string()]);
        let began = Instant::now();
        let ended = command.status().expect("smtp-source starts");
        assert!(ended.success(), "smtp-source: {ended}");
        emails as f64 / began.elapsed().as_secs_f64()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
