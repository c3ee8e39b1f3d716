//! The body of an answer, which may break off.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Time for what was sent to leave before the connection is cut.
const FLUSH: Duration = Duration::from_millis(5);

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Cut,
    Stalled,
}

/// A body in one piece.
#[derive(Debug)]
pub(super) struct ReplyBody {
    bytes: Option<Bytes>,
    end: End,
    flush: Option<Pin<Box<Sleep>>>,
}

impl ReplyBody {
    pub(super) const fn whole(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes), end: End::Whole, flush: None }
    }

    /// A body of which only the beginning comes.
    pub(super) fn broken(bytes: &Bytes, length: usize, end: End) -> Self {
        Self { bytes: Some(bytes.slice(..length.min(bytes.len()))), end, flush: None }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Stalled => Poll::Pending,
            End::Cut => {
                let flush = self.flush.get_or_insert_with(|| Box::pin(tokio::time::sleep(FLUSH)));
                flush.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::ConnectionReset.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Whole && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match (self.end, &self.bytes) {
            (End::Whole, Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            (End::Whole, None) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
