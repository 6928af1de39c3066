//! TLS from the first byte and by STARTTLS, with a certificate authority of our own.

use std::io::Write;
use std::sync::Mutex;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::script::{HELLO, Heard, Server, TAKEN, Turn, perform};
use super::*;

/// A certificate for `localhost`, and the file of the authority that gave it.
fn authority() -> (TlsAcceptor, tempfile::NamedTempFile) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = leaf.signed_by(&key, &ca).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
        vec![certificate.der().clone()],
        PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(ca.pem().as_bytes()).unwrap();
    (TlsAcceptor::from(Arc::new(config.unwrap())), file)
}

/// Says each line after one has been read, until STARTTLS has been answered.
async fn up_to_starttls(stream: &mut TcpStream, after_220: &str) {
    stream.write_all(b"220 ready\r\n").await.unwrap();
    let mut heard = [0; 512];
    for reply in ["250-mail.test\r\n250 STARTTLS\r\n", &format!("220 go\r\n{after_220}")] {
        if stream.read(&mut heard).await.unwrap() == 0 {
            return;
        }
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
}

/// One connection: TLS at once, or after STARTTLS with something slipped in; then a script. Returns
/// the port.
async fn serve(acceptor: TlsAcceptor, starttls: Option<&'static str>, script: Vec<Turn>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        if let Some(after_220) = starttls {
            up_to_starttls(&mut stream, after_220).await;
        }
        if let Ok(stream) = acceptor.accept(stream).await {
            perform(stream, script, Arc::new(Mutex::new(Heard::default()))).await;
        }
    });
    port
}

fn mailer_at(url: &str, ca: Option<&tempfile::NamedTempFile>) -> Mailer {
    let ca = ca.map(|file| file.path().to_owned());
    Mailer::new(&settings(url, Duration::from_secs(5), ca), clock()).unwrap()
}

#[tokio::test]
async fn email_is_sent_over_implicit_tls() {
    let (acceptor, ca) = authority();
    let port = serve(acceptor, None, [HELLO, TAKEN].concat()).await;
    send(&mailer_at(&format!("smtps://localhost:{port}"), Some(&ca)), "1").await.unwrap();
}

#[tokio::test]
async fn check_reports_starttls_and_login() {
    for tls in ["required", "opportunistic"] {
        let (acceptor, ca) = authority();
        let script = vec![
            Turn::On("EHLO", "250-mail.test\r\n250 AUTH PLAIN"),
            Turn::On("EHLO", "250-mail.test\r\n250 AUTH PLAIN"),
            Turn::On("AUTH PLAIN AG1lAGh1bnRlcjI=", "235 welcome"),
            Turn::On("NOOP", "250 ok"),
            Turn::On("QUIT", "221 bye"),
        ];
        let port = serve(acceptor, Some(""), script).await;
        let url = format!("smtp://me:hunter2@localhost:{port}?tls={tls}");
        let result = mailer_at(&url, Some(&ca)).check().await.unwrap();
        assert_eq!(result, format!("localhost:{port}, STARTTLS, logged in"));
    }
}

#[tokio::test]
async fn unconfigured_authority_is_not_trusted() {
    let (acceptor, _ca) = authority();
    let port = serve(acceptor, None, [HELLO, TAKEN].concat()).await;
    let result = send(&mailer_at(&format!("smtps://localhost:{port}"), None), "1").await;
    let result = result.unwrap_err();
    assert!(
        matches!(&result, SendError::Unavailable(why) if why.contains("`mail.ca_file`")),
        "{result}"
    );
}

#[tokio::test]
async fn required_encryption_is_never_skipped() {
    let server = Server::following(&[&[HELLO, TAKEN]]).await;
    let result = send(&mailer_at(&format!("{}?tls=required", server.url), None), "1").await;
    assert!(
        matches!(&result, Err(SendError::Unavailable(why)) if why.contains("STARTTLS")),
        "{result:?}"
    );
    assert!(server.heard().emails.is_empty());
}

#[tokio::test]
async fn tls_on_plain_port_is_explained() {
    let server = Server::following(&[&[HELLO]]).await;
    let url = server.url.replace("smtp://", "smtps://");
    let result = send(&mailer_at(&url, None), "1").await.unwrap_err().to_string();
    assert!(result.contains("?tls=required"), "{result}");
}

#[tokio::test]
async fn injected_line_before_tls_never_counts_as_sent() {
    let (acceptor, ca) = authority();
    let script = [&[Turn::On("EHLO", "250 mail.test"); 2], TAKEN].concat();
    let port = serve(acceptor, Some("250 mail.evil\r\n"), script).await;
    let url = format!("smtp://localhost:{port}?tls=required");
    let result = send(&mailer_at(&url, Some(&ca)), "1").await;
    assert!(matches!(result, Err(SendError::Unavailable(_))), "{result:?}");
}
