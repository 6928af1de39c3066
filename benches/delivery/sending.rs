//! The real mailer, with one task per session.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dropday::app;
use dropday::clock::{Clock, SystemClock};
use dropday::domain::user::EmailAddress;
use dropday::email::message::Email;
use dropday::email::smtp::{Mailer, MessageMeta, SmtpSettings};
use tokio::runtime::Runtime;

use super::Connections;
use super::postfix::Sink;
use super::samples;

/// One mailer per task, or one for all tasks.
pub(crate) struct Sending {
    runtime: Runtime,
    mailers: Vec<Arc<Mailer>>,
    connections: Connections,
    to: EmailAddress,
    email: Arc<Email>,
}

impl Sending {
    pub(crate) fn new(sink: &Sink, sessions: usize, connections: Connections) -> Self {
        app::install_crypto();
        let settings = |connections| SmtpSettings {
            url: format!("smtp://{}", sink.address).into(),
            from: "Dropday <dropday@example.com>".to_owned(),
            timeout: Duration::from_secs(60),
            connections,
            ca_file: None,
            dkim: None,
        };
        let mailer = |at_once| {
            Arc::new(Mailer::new(&settings(at_once), Arc::new(SystemClock)).expect("settings"))
        };
        let mailers = match connections {
            Connections::Kept => vec![mailer(sessions); sessions],
            // Each closes its connection after each email.
            Connections::Fresh => (0..sessions).map(|_| mailer(1)).collect(),
        };
        let emails = samples::all();
        let (_, email) =
            emails.into_iter().find(|(name, _)| name.starts_with("news")).expect("news");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            mailers,
            connections,
            to: EmailAddress::parse("martha@example.org").expect("an address"),
            email: Arc::new(email),
        }
    }

    /// The size of an email in bytes.
    pub(crate) fn size(&self) -> usize {
        self.mailers[0].message(&self.to, &self.email, &stamp(0)).expect("a message").len()
    }

    /// The time to compose an email.
    pub(crate) fn composing(&self) -> Duration {
        let began = Instant::now();
        (0..2_000).for_each(|_| {
            std::hint::black_box(self.size());
        });
        began.elapsed() / 2_000
    }

    /// Emails per second.
    pub(crate) fn rate(&self, emails: usize) -> f64 {
        let began = Instant::now();
        self.runtime.block_on(async {
            let next = Arc::new(AtomicUsize::new(0));
            let mut tasks = tokio::task::JoinSet::new();
            for mailer in &self.mailers {
                let (mailer, next) = (Arc::clone(mailer), Arc::clone(&next));
                let (to, email) = (self.to.clone(), Arc::clone(&self.email));
                let connections = self.connections;
                tasks.spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= emails {
                            return;
                        }
                        mailer.send(&to, &email, &stamp(number)).await.expect("it is taken");
                        if connections == Connections::Fresh {
                            mailer.close().await;
                        }
                    }
                });
            }
            tasks.join_all().await;
            self.mailers[0].close().await;
        });
        emails as f64 / began.elapsed().as_secs_f64()
    }
}

fn stamp(number: usize) -> MessageMeta {
    MessageMeta { message_id: format!("<{number}@example.com>"), date: SystemClock.now() }
}
