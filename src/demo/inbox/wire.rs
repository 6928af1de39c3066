//! Reads and writes lines on a connection.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

/// At least 512 (RFC 5321 §4.5.3.1.4); AUTH and extensions need more (RFC 4954 §4).
const MAX_COMMAND: usize = 12 * 1024;
/// RFC 5321 §4.5.3.1.6, including CRLF.
const MAX_TEXT_LINE: usize = 1000;

/// A connection that is read line by line.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
}

/// A message, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Whole(Vec<u8>),
    TooLong,
    /// A line of more than 1000 bytes, or with a bare CR or LF.
    BadLine,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Writes a reply of one or more lines.
    pub(super) async fn reply(&mut self, code: u16, lines: &[&str]) -> io::Result<()> {
        let mut reply = String::new();
        for (at, line) in lines.iter().enumerate() {
            let joint = if at + 1 == lines.len() { ' ' } else { '-' };
            reply.push_str(&format!("{code}{joint}{line}\r\n"));
        }
        self.write(reply.as_bytes()).await
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next command without its line end, or `None` if the client disconnected.
    pub(super) async fn command(&mut self) -> io::Result<Option<String>> {
        let Some(line) = self.line(MAX_COMMAND).await? else { return Ok(None) };
        let text = String::from_utf8(line).map_err(io::Error::other)?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The message up to the line with only a dot, with dot-stuffing removed. `None` if the client
    /// disconnected before that.
    pub(super) async fn text(&mut self, max: usize) -> io::Result<Option<Text>> {
        let (mut text, mut bad_line, mut too_long) = (Vec::new(), false, false);
        while let Some(line) = self.line(max + MAX_TEXT_LINE).await? {
            if line == b".\r\n" {
                return Ok(Some(match (bad_line, too_long) {
                    (true, _) => Text::BadLine,
                    (_, true) => Text::TooLong,
                    _ => Text::Whole(text),
                }));
            }
            let line = unstuff(&line);
            bad_line |= line.len() > MAX_TEXT_LINE || !ends_in_crlf(line);
            too_long |= text.len() + line.len() > max;
            if !too_long {
                text.extend_from_slice(line);
            }
        }
        Ok(None)
    }

    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads a little, and then no more.
    pub(super) async fn read_some(&mut self) -> io::Result<()> {
        self.stream.fill_buf().await.map(drop)
    }

    /// Waits until the client disconnects.
    pub(super) async fn wait_for_close(&mut self) -> io::Result<()> {
        loop {
            let read = self.stream.fill_buf().await?.len();
            if read == 0 {
                return Ok(());
            }
            self.stream.consume(read);
        }
    }

    async fn line(&mut self, max: usize) -> io::Result<Option<Vec<u8>>> {
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
            if line.len() > max {
                return Err(io::Error::other("a line is too long"));
            }
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

/// RFC 5321 §4.5.2.
fn unstuff(line: &[u8]) -> &[u8] {
    line.strip_prefix(b".").unwrap_or(line)
}

fn ends_in_crlf(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n").is_some_and(|text| !text.contains(&b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(sent: &[u8], max: usize) -> Option<Text> {
        let (mut ours, theirs) = tokio::io::duplex(1 << 16);
        ours.write_all(sent).await.unwrap();
        drop(ours);
        Wire::new(theirs).text(max).await.unwrap()
    }

    #[tokio::test]
    async fn dot_stuffing_is_removed() {
        let sent = b"a.b\r\n..\r\n...c\r\n.\r\nQUIT\r\n";
        assert_eq!(read(sent, 100).await, Some(Text::Whole(b"a.b\r\n.\r\n..c\r\n".to_vec())));
    }

    #[tokio::test]
    async fn invalid_messages_are_rejected() {
        assert_eq!(read(b"a\nb\r\n.\r\n", 100).await, Some(Text::BadLine));
        assert_eq!(read(b"a\rb\r\n.\r\n", 100).await, Some(Text::BadLine));
        let long = format!("{}\r\n.\r\n", "x".repeat(999));
        assert_eq!(read(long.as_bytes(), 5000).await, Some(Text::BadLine));
        assert_eq!(read(b"abc\r\nabc\r\n.\r\n", 8).await, Some(Text::TooLong));
        assert_eq!(read(b"abc\r\n", 100).await, None);
    }
}
