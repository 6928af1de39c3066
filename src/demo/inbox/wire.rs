//! Lines over a connection that may become encrypted on the way.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

/// RFC 5321 §4.5.3.1.4 wants 512 at least; logins and extensions need more (RFC 4954 §4).
const MAX_COMMAND_LENGTH: usize = 12 * 1024;
/// RFC 5321 §4.5.3.1.6, CRLF included.
const MAX_TEXT_LINE_LENGTH: usize = 1000;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, line by line.
pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    pub(super) encrypted: bool,
}

/// An email as it came, or what was wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Whole(Vec<u8>),
    TooLong,
    /// A line of more than 1000 bytes, or one that ended in a bare CR or LF.
    BadLine,
}

impl Wire {
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), encrypted: false }
    }

    /// The same connection, encrypted.
    ///
    /// # Errors
    /// Where the handshake fails, or something was sent ahead of it: that would be taken for
    /// something said under cover.
    pub(super) async fn encrypt(self, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        if !self.stream.buffer().is_empty() {
            return Err(io::Error::other("commands were sent ahead of the handshake"));
        }
        let stream = TlsAcceptor::from(config).accept(self.stream.into_inner()).await?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), encrypted: true })
    }

    /// One reply of one line or several.
    pub(super) async fn reply(&mut self, code: u16, lines: &[&str]) -> io::Result<()> {
        let mut reply = String::new();
        for (at, line) in lines.iter().enumerate() {
            let joint = if at + 1 == lines.len() { ' ' } else { '-' };
            reply.push_str(&format!("{code}{joint}{line}\r\n"));
        }
        self.say(reply.as_bytes()).await
    }

    /// Bytes as they are.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next command without its line end, or `None` where the other side has gone.
    pub(super) async fn command(&mut self) -> io::Result<Option<String>> {
        let Some(line) = self.line(MAX_COMMAND_LENGTH).await? else { return Ok(None) };
        let text = String::from_utf8(line).map_err(io::Error::other)?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The email up to the line with nothing but a dot, without the dots that were stuffed in.
    /// `None` where the other side went before that.
    pub(super) async fn text(&mut self, longest: usize) -> io::Result<Option<Text>> {
        let (mut text, mut bad_line, mut too_long) = (Vec::new(), false, false);
        while let Some(line) = self.line(longest + MAX_TEXT_LINE_LENGTH).await? {
            if line == b".\r\n" {
                return Ok(Some(match (bad_line, too_long) {
                    (true, _) => Text::BadLine,
                    (_, true) => Text::TooLong,
                    _ => Text::Whole(text),
                }));
            }
            let line = unstuffed(&line);
            bad_line |= line.len() > MAX_TEXT_LINE_LENGTH || !is_well_ended(line);
            too_long |= text.len() + line.len() > longest;
            if !too_long {
                text.extend_from_slice(line);
            }
        }
        Ok(None)
    }

    /// Ends the connection in good order.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads a little and then no more.
    pub(super) async fn some(&mut self) -> io::Result<()> {
        self.stream.fill_buf().await.map(drop)
    }

    /// Waits until the other side goes.
    pub(super) async fn outlast(&mut self) -> io::Result<()> {
        loop {
            let read = self.stream.fill_buf().await?.len();
            if read == 0 {
                return Ok(());
            }
            self.stream.consume(read);
        }
    }

    async fn line(&mut self, longest: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let buffered = self.stream.fill_buf().await?;
            if buffered.is_empty() {
                return Ok(None);
            }
            let end = buffered.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(buffered.len());
            line.extend_from_slice(&buffered[..taken]);
            self.stream.consume(taken);
            if line.len() > longest {
                return Err(io::Error::other("a line without an end"));
            }
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

/// RFC 5321 §4.5.2.
fn unstuffed(line: &[u8]) -> &[u8] {
    line.strip_prefix(b".").unwrap_or(line)
}

fn is_well_ended(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n").is_some_and(|text| !text.contains(&b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(sent: &[u8], longest: usize) -> Option<Text> {
        let (mut ours, theirs) = tokio::io::duplex(1 << 16);
        ours.write_all(sent).await.unwrap();
        drop(ours);
        Wire::new(theirs).text(longest).await.unwrap()
    }

    #[tokio::test]
    async fn dots_that_were_stuffed_in_go_and_others_stay() {
        let sent = b"a.b\r\n..\r\n...c\r\n.\r\nQUIT\r\n";
        assert_eq!(read(sent, 100).await, Some(Text::Whole(b"a.b\r\n.\r\n..c\r\n".to_vec())));
    }

    #[tokio::test]
    async fn what_other_servers_refuse_is_refused() {
        assert_eq!(read(b"a\nb\r\n.\r\n", 100).await, Some(Text::BadLine));
        assert_eq!(read(b"a\rb\r\n.\r\n", 100).await, Some(Text::BadLine));
        let long = format!("{}\r\n.\r\n", "x".repeat(999));
        assert_eq!(read(long.as_bytes(), 5000).await, Some(Text::BadLine));
        assert_eq!(read(b"abc\r\nabc\r\n.\r\n", 8).await, Some(Text::TooLong));
        assert_eq!(read(b"abc\r\n", 100).await, None);
    }
}
