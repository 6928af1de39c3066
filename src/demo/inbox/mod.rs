//! An SMTP server on this machine that keeps the emails it receives.
//!
//! An [`Inbox`] is a handle: clones share one inbox, and the server stops with the last of them. It
//! is as strict as the strictest servers, so an email that it accepts is accepted elsewhere too.

mod email;
mod faults;
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
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::Clock;

pub use email::Email;
pub use faults::SmtpFault;

/// What the server requires from its clients.
#[derive(Clone, Default)]
pub struct InboxSettings {
    pub login: Option<(String, String)>,
}

/// An email that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When its last byte arrived.
    pub at: Timestamp,
    pub from: String,
    pub to: Vec<String>,
    /// The whole message, with CRLF line ends.
    pub raw: Vec<u8>,
}

#[derive(Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Arc<Mutex<Option<AbortOnDropHandle<()>>>>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    settings: InboxSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    emails: Vec<Received>,
    refused: HashMap<String, (u16, String)>,
    faults: VecDeque<SmtpFault>,
    connections: usize,
}

impl Inbox {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(clock: Arc<dyn Clock>, settings: InboxSettings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { clock, settings, state: Mutex::default() });
        let server = serve(listener, &shared);
        Ok(Self { shared, address, server: Arc::new(Mutex::new(Some(server))) })
    }

    /// The address that it listens on, also while it is stopped.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of `mail.smtp_url` for this server.
    pub fn url(&self) -> String {
        let login = self.shared.settings.login.as_ref().map(|(name, password)| {
            let escape = |raw| utf8_percent_encode(raw, NON_ALPHANUMERIC);
            format!("{}:{}@", escape(name), escape(password))
        });
        format!("smtp://{}{}", login.unwrap_or_default(), self.address)
    }

    pub fn emails(&self) -> Vec<Received> {
        self.shared.state().emails.clone()
    }

    /// All emails to this recipient, oldest first.
    pub fn received_by(&self, address: &str) -> Vec<Received> {
        let to = |email: &&Received| email.to.iter().any(|to| same_mailbox(to, address));
        self.shared.state().emails.iter().filter(to).cloned().collect()
    }

    /// The same, parsed.
    pub fn emails_to(&self, address: &str) -> Vec<Email> {
        self.received_by(address).iter().map(|email| Email::parse(&email.raw)).collect()
    }

    pub fn empty(&self) {
        self.shared.state().emails.clear();
    }

    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Rejects this recipient with this reply from now on.
    pub fn refuse(&self, address: &str, code: u16, text: impl Into<String>) {
        self.shared.state().refused.insert(address.to_lowercase(), (code, text.into()));
    }

    /// Accepts this recipient again.
    pub fn accept(&self, address: &str) {
        self.shared.state().refused.remove(&address.to_lowercase());
    }

    /// Adds a fault to the queue. The first fault of the queue happens once, as soon as a session
    /// reaches its place.
    pub fn script(&self, fault: SmtpFault) {
        self.shared.state().faults.push_back(fault);
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_script(&self) {
        self.shared.state().faults.clear();
    }

    /// Stops listening and drops all connections. The emails stay.
    pub async fn stop(&self) {
        let server = self.server().take();
        if let Some(server) = server {
            server.abort();
            // Ends with the error that it was aborted.
            let _ = server.await;
        }
    }

    /// Listens again, on the same port.
    pub async fn restart(&self) -> io::Result<()> {
        if self.server().is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.address).await?;
        *self.server() = Some(serve(listener, &self.shared));
        Ok(())
    }

    fn server(&self) -> MutexGuard<'_, Option<AbortOnDropHandle<()>>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first fault of the queue if it happens `here`.
    fn next_fault(&self, here: impl Fn(&SmtpFault) -> bool) -> Option<SmtpFault> {
        self.state().faults.pop_front_if(|fault| here(fault))
    }

    fn refusal_of(&self, address: &str) -> Option<(u16, String)> {
        self.state().refused.get(&address.to_lowercase()).cloned()
    }

    fn save(&self, from: String, to: Vec<String>, raw: Vec<u8>) {
        let at = self.clock.now();
        self.state().emails.push(Received { at, from, to, raw });
    }
}

/// Accepts connections until it is aborted, which drops the connections too.
fn serve(listener: TcpListener, shared: &Arc<Shared>) -> AbortOnDropHandle<()> {
    let shared = Arc::clone(shared);
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        shared.state().connections += 1;
                        connections.spawn(smtp::run(stream, shared.clone()));
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }))
}

/// Compares mailboxes as nearly all servers do: ignoring case.
fn same_mailbox(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests;
