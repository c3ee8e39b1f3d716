//! Requests as they are on the wire, and the errors of AWS's protocols.

use std::{
    io::{Error, ErrorKind, Read},
    net::TcpStream,
};

/// The largest head of a request.
const HEAD_MAX: usize = 64 << 10;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    /// The lines before the empty one.
    lines: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    /// Reads one; `None` if the client closes the connection without any.
    pub(super) fn read(mut client: &TcpStream) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 8 << 10];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let count = client.read(&mut buffer)?;
            match count {
                0 if bytes.is_empty() => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                _ if bytes.len() > HEAD_MAX => return Err(Error::other("the head of a request is too long")),
                _ => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut request =
            Self { lines: head.split("\r\n").map(str::to_owned).collect(), body: bytes.split_off(end + 4) };
        if request.header("transfer-encoding").is_some() {
            return Err(Error::other("requests in chunks are not understood"));
        }
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while request.body.len() < length {
            match client.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => request.body.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Head and body.
    pub(super) fn text(&self) -> String {
        format!("{}\r\n\r\n{}", self.lines.join("\r\n"), String::from_utf8_lossy(&self.body))
    }

    /// The request for the server: with these headers, on a connection of its own.
    pub(super) fn with_headers(&self, headers: &[(String, String)]) -> Vec<u8> {
        let kept = self.lines.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let mut bytes: Vec<u8> = kept.flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
        for (name, value) in headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"Connection: close\r\n\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// The service, as the signature names it.
    fn service(&self) -> &str {
        let scope = self.header("authorization").and_then(|text| text.split("Credential=").nth(1));
        scope.and_then(|text| text.split('/').nth(3)).unwrap_or("unsigned")
    }

    /// Such as `redshift:CreateCluster`, or `s3:GET /bucket` for the protocols that have paths.
    pub(super) fn operation(&self) -> String {
        let form = String::from_utf8_lossy(&self.body);
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let target = self.header("x-amz-target").and_then(|text| text.split('.').nth(1));
        let line = || self.lines[0].rsplit_once(' ').map_or("", |(line, _)| line);
        format!("{}:{}", self.service(), action.or(target).unwrap_or_else(line))
    }

    /// The answer that says so in the protocol of the request.
    pub(super) fn error(&self, status: u16, code: &str, message: &str) -> Vec<u8> {
        let (kind, body) = match self.service() {
            _ if self.header("x-amz-target").is_some() => (
                "application/x-amz-json-1.1",
                serde_json::json!({ "__type": code, "message": message }).to_string(),
            ),
            "ec2" => (
                "text/xml",
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                     <RequestID>proxy</RequestID></Response>"
                ),
            ),
            "s3" => ("text/xml", format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")),
            _ => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
                     </Error><RequestId>proxy</RequestId></ErrorResponse>"
                ),
            ),
        };
        format!(
            "HTTP/1.1 {status} Fault\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}
