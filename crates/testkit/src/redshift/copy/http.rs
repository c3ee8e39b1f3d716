//! Just enough of an HTTP client to read objects: GET and HEAD over kept connections.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// The longest silence of a server.
const PATIENCE: Duration = Duration::from_secs(60);

type Connection = BufReader<TcpStream>;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    /// Host and port.
    authority: String,
    idle: Option<Connection>,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    headers: BTreeMap<String, String>,
    connection: Connection,
    left: Left,
}

#[derive(Debug)]
enum Left {
    Bytes(u64),
    /// In chunks; so much is left of the present one.
    Chunks(u64),
    UntilClosed,
    Nothing,
}

impl Client {
    /// A client of `http://host:port`.
    pub(super) fn new(endpoint: &str) -> Self {
        let authority = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { authority, idle: None }
    }

    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
    ) -> io::Result<Response> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        if let Some(connection) = self.idle.take() {
            // A kept connection may have been closed in the meantime.
            if let Ok(response) = exchange(connection, &request, method) {
                return Ok(response);
            }
        }
        let address = self.authority.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        exchange(BufReader::with_capacity(64 << 10, socket), &request, method)
    }

    /// Keeps the connection of an answer that was read to its end.
    pub(super) fn keep(&mut self, response: Response) {
        let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if matches!(response.left, Left::Nothing) && !closes {
            self.idle = Some(response.connection);
        }
    }
}

fn exchange(mut connection: Connection, request: &str, method: &str) -> io::Result<Response> {
    connection.get_mut().write_all(request.as_bytes())?;
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "not an answer of HTTP");
    let first = line(&mut connection)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
    let mut headers = BTreeMap::new();
    loop {
        let line = line(&mut connection)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok());
    let left = match length {
        _ if method == "HEAD" || status == 204 || status == 304 => Left::Nothing,
        _ if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") => Left::Chunks(0),
        Some(0) => Left::Nothing,
        Some(length) => Left::Bytes(length),
        None => Left::UntilClosed,
    };
    Ok(Response { status, headers, connection, left })
}

fn line(connection: &mut Connection) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn take(&mut self, buffer: &mut [u8], left: u64) -> io::Result<usize> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match self.connection.read(&mut buffer[..most])? {
            0 if most > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            taken => Ok(taken),
        }
    }
}

impl Read for Response {
    /// A body that ends early is an error.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.left {
            Left::Nothing => Ok(0),
            Left::Bytes(left) => {
                let taken = self.take(buffer, left)?;
                let left = left - taken as u64;
                self.left = if left == 0 { Left::Nothing } else { Left::Bytes(left) };
                Ok(taken)
            }
            Left::Chunks(0) => {
                let size = line(&mut self.connection)?;
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no length of a chunk"))?;
                if size == 0 {
                    while !line(&mut self.connection)?.is_empty() {}
                    self.left = Left::Nothing;
                    return Ok(0);
                }
                self.left = Left::Chunks(size);
                self.read(buffer)
            }
            Left::Chunks(left) => {
                let taken = self.take(buffer, left)?;
                let left = left - taken as u64;
                self.left = Left::Chunks(left);
                if left == 0 {
                    line(&mut self.connection)?;
                }
                Ok(taken)
            }
            Left::UntilClosed => self.connection.read(buffer),
        }
    }
}
