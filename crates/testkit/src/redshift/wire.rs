//! The framing of the PostgreSQL protocol, for both ends.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a connection is made of.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A message: its type and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) tag: u8,
    pub(super) body: Bytes,
}

/// No message is longer than this, so that a client that speaks something else cannot ask for memory.
const LONGEST: usize = 64 << 20;
/// So much is gathered before it is sent.
const ENOUGH: usize = 64 << 10;

/// One end of a connection.
pub(super) struct Wire {
    socket: Box<dyn Socket>,
    input: BytesMut,
    output: BytesMut,
}

impl Wire {
    pub(super) fn new(socket: Box<dyn Socket>) -> Self {
        Self { socket, input: BytesMut::with_capacity(ENOUGH), output: BytesMut::with_capacity(2 * ENOUGH) }
    }

    /// The next message; `None` when the other side has closed the connection.
    pub(super) async fn read(&mut self) -> io::Result<Option<Frame>> {
        while self.input.len() < 5 {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        let length = length_of(&self.input[1..5])?;
        while self.input.len() < 1 + length {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        let tag = self.input.get_u8();
        let mut body = self.input.split_to(length).freeze();
        body.advance(4);
        Ok(Some(Frame { tag, body }))
    }

    /// A message of the start of a connection, which has no type; never more than it.
    pub(super) async fn read_first(&mut self) -> io::Result<Option<Bytes>> {
        let mut length = [0; 4];
        if let Err(error) = self.socket.read_exact(&mut length).await {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
        }
        let mut body = vec![0; length_of(&length)? - 4];
        self.socket.read_exact(&mut body).await?;
        Ok(Some(body.into()))
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.input.reserve(ENOUGH);
        Ok(self.socket.read_buf(&mut self.input).await? > 0)
    }

    /// Adds a message to what is to be sent.
    pub(super) fn put(&mut self, tag: u8, write: impl FnOnce(&mut BytesMut)) {
        self.output.put_u8(tag);
        let start = self.output.len();
        self.output.put_i32(0);
        write(&mut self.output);
        let length = i32::try_from(self.output.len() - start).expect("a message of less than 2 GiB");
        self.output[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// Adds bytes as they are.
    pub(super) fn put_raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// What has gathered so far, for [`rewind`](Self::rewind).
    pub(super) fn mark(&self) -> usize {
        self.output.len()
    }

    /// Takes back what has gathered since, as far as it has not been sent.
    pub(super) fn rewind(&mut self, mark: usize) {
        self.output.truncate(mark);
    }

    /// Sends what has gathered if it is enough to be worth it.
    pub(super) async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.output.len() >= ENOUGH { self.flush().await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.output).await?;
        self.output.clear();
        self.socket.flush().await
    }

    /// Gives the socket back, to be encrypted; nothing may have been read ahead.
    pub(super) fn into_socket(self) -> Box<dyn Socket> {
        self.socket
    }
}

fn length_of(bytes: &[u8]) -> io::Result<usize> {
    let length = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    match usize::try_from(length) {
        Ok(length) if (4..=LONGEST).contains(&length) => Ok(length),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes"))),
    }
}

/// A text that ends with a zero byte.
pub(super) fn put_text(output: &mut BytesMut, text: &str) {
    output.put_slice(text.as_bytes());
    output.put_u8(0);
}

/// Takes a text that ends with a zero byte.
pub(super) fn take_text(body: &mut Bytes) -> Option<String> {
    let end = body.iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8(body.split_to(end).to_vec()).ok()?;
    body.advance(1);
    Some(text)
}
