//! `dropday health`, for the health check of a container without curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::{Config, ConfigError};
use crate::terminal::print_out;

/// Shorter than the timeout of the image's health check.
const TIMEOUT: Duration = Duration::from_secs(5);

const MAX_RESPONSE_BYTES: u64 = 4096;

/// The exit code is 0 or 1, because `HEALTHCHECK` allows no others
/// (<https://docs.docker.com/reference/dockerfile/#healthcheck>).
pub(super) async fn run(config: Result<Config, ConfigError>) -> anyhow::Result<ExitCode> {
    let config = config.map_err(|errors| anyhow!("{errors}"))?;
    let address = reachable(config.web.listen);
    let answer = tokio::time::timeout(TIMEOUT, request(address)).await;
    let answer = answer.unwrap_or_else(|_| bail!("no response within {} s", TIMEOUT.as_secs()));
    print_out(&verdict(&answer.with_context(|| format!("the daemon at {address}"))?)?);
    Ok(ExitCode::SUCCESS)
}

/// Where to connect to a daemon that listens on `listen`, which can mean all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn request(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_RESPONSE_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The body of a healthy response.
fn verdict(answer: &str) -> anyhow::Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split_whitespace().nth(1).filter(|_| head.starts_with("HTTP/1."));
    match status {
        Some("200") => Ok(body.trim_end().to_owned()),
        Some(status) => bail!("unhealthy ({status}): {}", body.trim_end()),
        None => bail!("the response is not HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_address_is_reached_on_loopback() {
        let asked = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8888"), "127.0.0.1:8888");
        assert_eq!(asked("[::]:8888"), "[::1]:8888");
        assert_eq!(asked("192.0.2.7:80"), "192.0.2.7:80");
    }

    #[test]
    fn only_200_is_healthy() {
        assert_eq!(verdict("HTTP/1.1 200 OK\r\nA: b\r\n\r\nok\n").unwrap(), "ok");
        let failed = |answer| verdict(answer).unwrap_err().to_string();
        let ill = "HTTP/1.1 503 Service Unavailable\r\n\r\nthe database does not answer\n";
        assert_eq!(failed(ill), "unhealthy (503): the database does not answer");
        assert_eq!(failed("SSH-2.0-OpenSSH 200\r\n"), "the response is not HTTP");
        assert_eq!(failed(""), "the response is not HTTP");
    }
}
