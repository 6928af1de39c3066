//! Bodies that no honest server sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, repeat};
use tokio_util::io::ReaderStream;

/// A JSON object of about that many bytes, made up as it is sent, and of no announced length.
pub(super) fn huge(bytes: usize) -> Body {
    let padding = repeat(b'x').take(bytes as u64);
    let (start, end): (&[u8], &[u8]) = (br#"{"padding":""#, br#""}"#);
    Body::from_stream(ReaderStream::new(start.chain(padding).chain(end)))
}

/// The beginning of a JSON object, and then a connection that dies.
pub(super) fn short() -> Body {
    Body::from_stream(ReaderStream::new(Short::Unsaid))
}

enum Short {
    Unsaid,
    Said,
    Sent,
}

impl AsyncRead for Short {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {
            Self::Unsaid => {
                *self = Self::Said;
                buffer.put_slice(br#"{"items":[{"id":"#);
                Poll::Ready(Ok(()))
            }
            // hyper sends what it has when the body makes it wait, and drops it when it fails.
            Self::Said => {
                *self = Self::Sent;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Sent => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}
