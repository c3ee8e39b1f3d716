//! The session of PostgreSQL behind a session of the double.

use std::{io, path::PathBuf};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use postgres_protocol::{
    authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    message::frontend,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::{
    error::ServerError,
    wire::{Frame, Wire},
};

/// Where PostgreSQL listens and who logs in there.
#[derive(Debug, Clone)]
pub(super) struct BackendAddress {
    /// Its Unix socket.
    pub(super) socket: PathBuf,
    pub(super) database: String,
}

/// Settings that make PostgreSQL a little more like Redshift: backslashes escape, floating-point numbers are
/// printed with 15 digits unless more are asked for, a transaction sees one snapshot.
fn options(isolation: &str) -> String {
    let isolation = isolation.replace(' ', "\\ ");
    format!(
        "-c standard_conforming_strings=off -c escape_string_warning=off -c extra_float_digits=0 \
         -c default_transaction_isolation={isolation} -c TimeZone=UTC -c DateStyle=ISO,MDY -c jit=off"
    )
}

/// The state of a transaction, as the server says it after each statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    /// There is none.
    None,
    Open,
    /// A statement failed; only its end is waited for.
    Failed,
}

impl Transaction {
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::None => b'I',
            Self::Open => b'T',
            Self::Failed => b'E',
        }
    }

    const fn from_letter(letter: u8) -> Self {
        match letter {
            b'T' => Self::Open,
            b'E' => Self::Failed,
            _ => Self::None,
        }
    }
}

/// A connection to PostgreSQL.
pub(super) struct Backend {
    wire: Wire,
    address: BackendAddress,
    /// The id of its process, which is also the session's.
    pub(super) pid: i32,
    key: i32,
    pub(super) transaction: Transaction,
    busy: bool,
}

impl Backend {
    pub(super) async fn connect(
        address: &BackendAddress,
        user: &str,
        password: &str,
        isolation: &str,
    ) -> io::Result<Result<Self, ServerError>> {
        let socket = UnixStream::connect(&address.socket).await?;
        let mut wire = Wire::new(Box::new(socket));
        let mut start = BytesMut::new();
        let options = options(isolation);
        let parameters = [
            ("user", user),
            ("database", &address.database),
            ("client_encoding", "UTF8"),
            ("options", &options),
        ];
        frontend::startup_message(parameters, &mut start)?;
        wire.put_raw(&start);
        wire.flush().await?;
        let mut backend = Self {
            wire,
            address: address.clone(),
            pid: 0,
            key: 0,
            transaction: Transaction::None,
            busy: false,
        };
        let mut scram = None;
        loop {
            let Frame { tag, mut body } = backend.next().await?;
            match tag {
                b'R' => backend.authenticate(&mut body, password, &mut scram).await?,
                b'K' => (backend.pid, backend.key) = (body.get_i32(), body.get_i32()),
                b'E' => return Ok(Err(ServerError::parse(body))),
                b'Z' => return Ok(Ok(backend)),
                _ => {}
            }
        }
    }

    async fn authenticate(
        &mut self,
        body: &mut Bytes,
        password: &str,
        scram: &mut Option<ScramSha256>,
    ) -> io::Result<()> {
        let mut answer = BytesMut::new();
        match body.get_i32() {
            10 => {
                let new = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, new.message(), &mut answer)?;
                *scram = Some(new);
            }
            11 => {
                let scram = scram.as_mut().ok_or_else(|| invalid("SCRAM out of order"))?;
                scram.update(body)?;
                frontend::sasl_response(scram.message(), &mut answer)?;
            }
            12 => scram.as_mut().ok_or_else(|| invalid("SCRAM out of order"))?.finish(body)?,
            0 => {}
            other => return Err(invalid(&format!("authentication {other}"))),
        }
        self.wire.put_raw(&answer);
        self.wire.flush().await
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> io::Result<Frame> {
        let frame = self.wire.read().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if frame.tag == b'Z' {
            self.transaction = Transaction::from_letter(frame.body.first().copied().unwrap_or_default());
            self.busy = false;
        }
        Ok(frame)
    }

    /// Sends a statement; its answer is read with [`next`](Self::next).
    pub(super) async fn send(&mut self, sql: &str) -> io::Result<()> {
        self.busy = true;
        self.wire.put(b'Q', |output| super::wire::put_text(output, sql));
        self.wire.flush().await
    }

    /// Rows for a COPY that is going on.
    pub(super) async fn send_rows(&mut self, rows: &[u8]) -> io::Result<()> {
        self.wire.put(b'd', |output| output.put_slice(rows));
        self.wire.flush().await
    }

    /// Ends the rows of a COPY, well or not.
    pub(super) async fn end_rows(&mut self, failure: Option<&str>) -> io::Result<()> {
        match failure {
            None => self.wire.put(b'c', |_| ()),
            Some(reason) => self.wire.put(b'f', |output| super::wire::put_text(output, reason)),
        }
        self.wire.flush().await
    }

    /// Reads until the statement is over: its first error, if there was one.
    pub(super) async fn finish(&mut self) -> io::Result<Option<ServerError>> {
        let mut error = None;
        loop {
            let frame = self.next().await?;
            match frame.tag {
                b'E' => error = error.or(Some(ServerError::parse(frame.body))),
                b'Z' => return Ok(error),
                _ => {}
            }
        }
    }

    /// Runs a statement of the double's own.
    pub(super) async fn run(&mut self, sql: &str) -> io::Result<Result<(), ServerError>> {
        self.send(sql).await?;
        Ok(self.finish().await?.map_or(Ok(()), Err))
    }

    /// The rows of a query of the double's own.
    pub(super) async fn rows(
        &mut self,
        sql: &str,
    ) -> io::Result<Result<Vec<Vec<Option<String>>>, ServerError>> {
        self.send(sql).await?;
        let (mut rows, mut error) = (Vec::new(), None);
        loop {
            let Frame { tag, mut body } = self.next().await?;
            match tag {
                b'D' => {
                    let count = body.get_u16();
                    rows.push((0..count).map(|_| take_value(&mut body)).collect());
                }
                b'E' => error = Some(ServerError::parse(body)),
                b'Z' => return Ok(error.map_or(Ok(rows), Err)),
                _ => {}
            }
        }
    }

    pub(super) fn canceller(&self) -> Canceller {
        Canceller { socket: self.address.socket.clone(), pid: self.pid, key: self.key }
    }
}

impl Drop for Backend {
    /// PostgreSQL notices late that nobody waits for a statement any more.
    fn drop(&mut self) {
        if self.busy {
            self.canceller().send();
        }
    }
}

/// Cancels what a session is doing.
#[derive(Debug, Clone)]
pub(super) struct Canceller {
    socket: PathBuf,
    pid: i32,
    key: i32,
}

impl Canceller {
    fn request(&self) -> BytesMut {
        let mut request = BytesMut::new();
        frontend::cancel_request(self.pid, self.key, &mut request);
        request
    }

    /// Returns once the server has passed it on; one that is gone has nothing to cancel.
    pub(super) async fn cancel(&self) {
        if let Ok(mut socket) = UnixStream::connect(&self.socket).await
            && socket.write_all(&self.request()).await.is_ok()
        {
            // The server closes the connection when it is done.
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
    }

    /// The same without waiting.
    fn send(&self) {
        if let Ok(mut socket) = std::os::unix::net::UnixStream::connect(&self.socket) {
            let _ = std::io::Write::write_all(&mut socket, &self.request());
        }
    }
}

fn take_value(body: &mut Bytes) -> Option<String> {
    let length = usize::try_from(body.get_i32()).ok()?;
    Some(String::from_utf8_lossy(&body.split_to(length)).into_owned())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
