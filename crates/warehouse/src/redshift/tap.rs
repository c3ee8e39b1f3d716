//! Listens to what a server says.
//!
//! The client library's simple query protocol tells the names of a result's columns, not their types, and
//! it knows no login by a SHA-256 digest. Both can be seen in the stream on its way to the library.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire::Column;

/// A message longer than this is passed on unread: a description of 1,600 columns is far shorter.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

const ROW_DESCRIPTION: u8 = b'T';
const AUTHENTICATION: u8 = b'R';

/// The request of a login by Redshift's own SHA-256 digest.
const AUTHENTICATION_DIGEST: u32 = 13;

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    columns: Mutex<Option<Vec<Column>>>,
    authentication: AtomicU32,
}

impl Heard {
    /// The columns of the last result, once.
    pub(super) fn take_columns(&self) -> Option<Vec<Column>> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the server asked for a login by a digest.
    pub(super) fn asked_for_digest(&self) -> bool {
        self.authentication.load(Ordering::Acquire) == AUTHENTICATION_DIGEST
    }

    fn note(&self, tag: u8, body: &[u8]) {
        match tag {
            ROW_DESCRIPTION => {
                *self.columns.lock().unwrap_or_else(PoisonError::into_inner) = columns(body);
            }
            AUTHENTICATION => {
                if let Some(code) = body.first_chunk() {
                    self.authentication.store(u32::from_be_bytes(*code), Ordering::Release);
                }
            }
            _ => {}
        }
    }
}

/// The columns of a row description; `None` if it is none.
fn columns(body: &[u8]) -> Option<Vec<Column>> {
    let (count, mut rest) = body.split_first_chunk()?;
    let mut columns = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        // Table, column number, type, size of the type, type modifier, format.
        let fields: &[u8; 18];
        (fields, rest) = rest.get(end + 1..)?.split_first_chunk()?;
        let [.., a, b, c, d, _, _, e, f, g, h, _, _] = *fields;
        columns.push(Column {
            name,
            type_oid: u32::from_be_bytes([a, b, c, d]),
            type_modifier: i32::from_be_bytes([e, f, g, h]),
        });
    }
    rest.is_empty().then_some(columns)
}

/// Cuts the stream into messages.
#[derive(Debug, Default)]
struct Messages {
    header: Vec<u8>,
    body: Vec<u8>,
    /// What is left of the body, and whether it is read.
    left: usize,
    wanted: bool,
}

impl Messages {
    fn read(&mut self, mut bytes: &[u8], heard: &Heard) {
        while !bytes.is_empty() {
            if self.header.len() < 5 {
                let (part, rest) = bytes.split_at(bytes.len().min(5 - self.header.len()));
                self.header.extend_from_slice(part);
                bytes = rest;
                let [tag, a, b, c, d] = self.header[..] else { continue };
                // The length counts itself.
                self.left = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(4);
                self.wanted =
                    [ROW_DESCRIPTION, AUTHENTICATION].contains(&tag) && self.left <= MESSAGE_BYTES_MAX;
                if self.left == 0 {
                    self.end(heard);
                }
                continue;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.left));
            if self.wanted {
                self.body.extend_from_slice(part);
            }
            self.left -= part.len();
            bytes = rest;
            if self.left == 0 {
                self.end(heard);
            }
        }
    }

    fn end(&mut self, heard: &Heard) {
        if self.wanted {
            heard.note(self.header[0], &self.body);
        }
        self.header.clear();
        self.body.clear();
    }
}

/// A stream that is listened to.
pub(super) struct Tap<S> {
    stream: S,
    messages: Messages,
    heard: Arc<Heard>,
}

impl<S> Tap<S> {
    pub(super) fn new(stream: S, heard: Arc<Heard>) -> Self {
        Self { stream, messages: Messages::default(), heard }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let this = &mut *self;
        this.messages.read(&buffer.filled()[before..], &this.heard);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[tag], &length[..], body].concat()
    }

    fn description(columns: &[(&str, u32, i32)]) -> Vec<u8> {
        let mut body = (columns.len() as u16).to_be_bytes().to_vec();
        for (name, oid, modifier) in columns {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(&[9; 6]);
            body.extend_from_slice(&oid.to_be_bytes());
            body.extend_from_slice(&[9; 2]);
            body.extend_from_slice(&modifier.to_be_bytes());
            body.extend_from_slice(&[0; 2]);
        }
        message(ROW_DESCRIPTION, &body)
    }

    #[test]
    fn columns_are_heard_however_the_stream_is_cut() {
        let stream = [
            message(b'N', b"a notice"),
            description(&[("number", 20, -1), ("exact, ä", 1700, 655_366)]),
            message(b'D', &[0, 0, 0, 4, b'T', b'T', b'T', b'T']),
            message(b'Z', b""),
        ]
        .concat();
        let expected = vec![
            Column { name: "number".to_owned(), type_oid: 20, type_modifier: -1 },
            Column { name: "exact, ä".to_owned(), type_oid: 1700, type_modifier: 655_366 },
        ];
        for size in 1..stream.len() {
            let (mut messages, heard) = (Messages::default(), Heard::default());
            for part in stream.chunks(size) {
                messages.read(part, &heard);
            }
            assert_eq!(heard.take_columns().as_ref(), Some(&expected), "in parts of {size}");
            assert_eq!(heard.take_columns(), None);
        }
    }

    #[test]
    fn a_description_that_is_cut_off_is_none() {
        let whole = description(&[("number", 20, -1)]);
        let body = &whole[5..];
        assert!(columns(body).is_some());
        for length in 0..body.len() {
            assert_eq!(columns(&body[..length]), None);
        }
    }

    #[test]
    fn a_login_by_digest_is_heard() {
        let (mut messages, heard) = (Messages::default(), Heard::default());
        messages.read(&message(AUTHENTICATION, &[0, 0, 0, 3]), &heard);
        assert!(!heard.asked_for_digest());
        messages.read(&message(AUTHENTICATION, &[0, 0, 0, 13, 1, 2, 3]), &heard);
        assert!(heard.asked_for_digest());
    }

    #[test]
    fn a_message_that_no_server_would_send_is_not_kept() {
        let (mut messages, heard) = (Messages::default(), Heard::default());
        messages.read(&[ROW_DESCRIPTION, 0xff, 0xff, 0xff, 0xff], &heard);
        messages.read(&[0; 4096], &heard);
        assert!(messages.body.is_empty());
    }
}
