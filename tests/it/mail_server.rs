//! Mail servers that require authentication or encryption.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use dropday::app;
use dropday::demo::inbox::InboxSettings;
use dropday::demo::world::NewAlbum;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use secrecy::SecretString;
use tempfile::NamedTempFile;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::test_app::TestApp;

/// A certificate for 127.0.0.1, and the file with its certificate authority.
fn certificate() -> (Arc<ServerConfig>, NamedTempFile) {
    app::install_crypto();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();
    (Arc::new(config), file)
}

/// Terminates TLS in front of `server`. Returns its own address.
async fn tls_proxy(config: Arc<ServerConfig>, server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate disconnects.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(server).await.unwrap();
                tokio::io::copy_bidirectional(&mut stream, &mut plain).await.ok();
            });
        }
    });
    address
}

#[tokio::test]
async fn emails_are_sent_over_tls_only_to_trusted_server() {
    let (config, authority) = certificate();
    let authority = authority.path().to_str().unwrap();
    let login = Some(("dropday".to_owned(), "p@ss:w/rd".to_owned()));
    let inbox = InboxSettings { login };
    let mut app = TestApp::with_inbox(&[("MAIL__CA_FILE", authority)], inbox).await;
    let proxy = tls_proxy(config, app.inbox.address()).await.to_string();
    let url = app.inbox.url().replace("smtp://", "smtps://");
    let url = url.replace(&app.inbox.address().to_string(), &proxy);
    app.config.mail.smtp_url = SecretString::from(url);
    app.restart().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    let ca_file = app.config.mail.ca_file.take();
    app.restart().await;
    app.round().await;
    assert!(app.emails_to(&martha.address).is_empty(), "sent to an untrusted server");
    let why = app.status().await.emails.deferred_reason.unwrap();
    assert!(why.contains("mail.ca_file"), "{why}");
    app.config.mail.ca_file = ca_file;
    app.restart().await;
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn rejected_login_stops_the_run_and_loses_nothing() {
    let login = Some(("dropday".to_owned(), "right".to_owned()));
    let inbox = InboxSettings { login };
    let mut app = TestApp::with_inbox(&[], inbox).await;
    let artist = app.world.add_artist("Röyksopp");
    let mut listeners = Vec::new();
    for name in ["Martha", "Jonas"] {
        listeners.push(app.listener(name, &[&artist]).await);
    }
    app.round().await;
    let wrong = app.inbox.url().replace("right", "wrong");
    let right = std::mem::replace(&mut app.config.mail.smtp_url, SecretString::from(wrong));
    app.restart().await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.checks().await;
    let outcome = app.emails().await;
    assert_eq!(
        (outcome.sent, outcome.deferred, outcome.refused),
        (0, 1, 0),
        "the next is not tried"
    );
    let why = app.status().await.emails.deferred_reason.unwrap();
    assert!(why.contains("log-in failed") && why.contains("535"), "{why}");
    assert!(!why.contains("wrong@") && !why.contains("dropday:"), "{why}");
    app.config.mail.smtp_url = right;
    app.restart().await;
    app.emails().await;
    for listener in &listeners {
        assert_eq!(app.emails_to(&listener.address).len(), 1);
    }
    app.finish().await;
}
