//! An email box on this machine: an SMTP server that keeps what it is given.
//!
//! An [`Inbox`] is a handle; clones share one email box, and the server ends with the last of
//! them. It is as strict as the strictest server out there, so that whatever it takes, others take.

mod faults;
mod login;
pub mod page;
mod smtp;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;

pub use faults::SmtpFault;
use faults::Stage;

/// Whether and when the connection is encrypted.
#[derive(Clone, Default)]
pub enum Tls {
    /// Never.
    #[default]
    None,
    /// After `STARTTLS`, without which nothing is taken.
    StartTls(Arc<rustls::ServerConfig>),
    /// From the first byte.
    Implicit(Arc<rustls::ServerConfig>),
}

/// What the server offers and demands.
#[derive(Clone)]
pub struct InboxSettings {
    /// Whether and when the connection is encrypted.
    pub tls: Tls,
    /// The name and password without which nothing is taken.
    pub login: Option<(String, String)>,
    /// Whether addresses may be written in any script.
    pub smtputf8: bool,
    /// Whether bodies may have bytes above 127.
    pub eight_bit: bool,
    /// The longest email that is taken, in bytes.
    pub longest: usize,
}

impl Default for InboxSettings {
    fn default() -> Self {
        let longest = 10 * 1024 * 1024;
        Self { tls: Tls::None, login: None, smtputf8: true, eight_bit: true, longest }
    }
}

/// An email that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When its last byte came.
    pub at: Timestamp,
    /// The sender on the envelope; empty for a bounce.
    pub from: String,
    /// The recipients on the envelope.
    pub to: Vec<String>,
    /// The email, headers first, lines ended by CRLF.
    pub raw: Vec<u8>,
}

/// The email box, and the server in front of it.
#[derive(Clone)]
pub struct Inbox {
    server: Arc<Server>,
}

struct Server {
    office: Arc<Office>,
    address: SocketAddr,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// What every connection knows.
struct Office {
    clock: Arc<dyn Clock>,
    settings: InboxSettings,
    post: Mutex<Post>,
}

#[derive(Default)]
struct Post {
    emails: Vec<Received>,
    refused: HashMap<String, (u16, String)>,
    faults: VecDeque<SmtpFault>,
    connections: usize,
}

impl Inbox {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where the machine does not give a port.
    pub async fn start(clock: Arc<dyn Clock>, settings: InboxSettings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let office = Arc::new(Office { clock, settings, post: Mutex::default() });
        let running = Mutex::new(Some(tokio::spawn(serve(listener, office.clone()))));
        Ok(Self { server: Arc::new(Server { office, address, running }) })
    }

    /// Where it listens, or listened until it was stopped.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// `smtp://` or `smtps://`, the login, the address and, where it is needed, `?tls=required`.
    pub fn url(&self) -> String {
        let settings = &self.server.office.settings;
        let (scheme, query) = match settings.tls {
            Tls::None => ("smtp", ""),
            Tls::StartTls(_) => ("smtp", "?tls=required"),
            Tls::Implicit(_) => ("smtps", ""),
        };
        let login = settings.login.as_ref().map(|(name, password)| {
            let escaped = |raw| utf8_percent_encode(raw, NON_ALPHANUMERIC);
            format!("{}:{}@", escaped(name), escaped(password))
        });
        format!("{scheme}://{}{}{query}", login.unwrap_or_default(), self.address())
    }

    /// Every email so far, the oldest first.
    pub fn emails(&self) -> Vec<Received> {
        self.post().emails.clone()
    }

    /// Every email so far that had `address` on its envelope, the oldest first.
    pub fn emails_to(&self, address: &str) -> Vec<Received> {
        let to = |email: &&Received| email.to.iter().any(|to| same(to, address));
        self.post().emails.iter().filter(to).cloned().collect()
    }

    /// Throws all emails away.
    pub fn empty(&self) {
        self.post().emails.clear();
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.post().connections
    }

    /// From now on that recipient is refused, with that reply.
    pub fn refuse(&self, address: &str, code: u16, text: impl Into<String>) {
        self.post().refused.insert(address.to_lowercase(), (code, text.into()));
    }

    /// From now on that recipient is taken again.
    pub fn accept(&self, address: &str) {
        self.post().refused.remove(&address.to_lowercase());
    }

    /// Once it is the turn of this fault, it happens at the first occasion. Faults take turns in
    /// the order in which they were scripted.
    pub fn script(&self, fault: SmtpFault) {
        self.post().faults.push_back(fault);
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_script(&self) {
        self.post().faults.clear();
    }

    /// Stops listening and drops every connection. The emails stay.
    pub async fn stop(&self) {
        let running = self.running().take();
        if let Some(task) = running {
            task.abort();
            // An aborted task ends with an error, which says just that.
            let _ = task.await;
        }
    }

    /// Listens again, on the same port; does nothing where it still does.
    ///
    /// # Errors
    /// Where somebody else took the port.
    pub async fn restart(&self) -> io::Result<()> {
        if self.running().is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.server.address).await?;
        let task = tokio::spawn(serve(listener, self.server.office.clone()));
        *self.running() = Some(task);
        Ok(())
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.server.office.post()
    }

    fn running(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.server.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("address", &self.server.address).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = running.take() {
            task.abort();
        }
    }
}

impl Office {
    fn post(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault whose turn it is, where this is the stage that it waits for.
    fn fault_at(&self, stage: Stage) -> Option<SmtpFault> {
        self.post().faults.pop_front_if(|fault| fault.stage() == stage)
    }

    fn refusal_of(&self, address: &str) -> Option<(u16, String)> {
        self.post().refused.get(&address.to_lowercase()).cloned()
    }

    fn keep(&self, from: String, to: Vec<String>, raw: Vec<u8>) {
        let at = self.clock.now();
        self.post().emails.push(Received { at, from, to, raw });
    }
}

/// Takes connections until it is aborted, which aborts the connections too.
async fn serve(listener: TcpListener, office: Arc<Office>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    office.post().connections += 1;
                    connections.spawn(smtp::converse(stream, office.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Mailboxes are compared as nearly every server does, without regard to case.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests;
