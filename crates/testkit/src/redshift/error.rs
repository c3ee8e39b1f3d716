//! Errors and notices as the server sends them.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::{put_text, take_text};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something to know; PostgreSQL has several kinds of it.
    Info,
    /// Something to look into.
    Warning,
    /// The statement failed.
    Error,
    /// The session is over.
    Fatal,
}

impl Severity {
    fn parse(text: &str) -> Self {
        match text {
            "ERROR" => Self::Error,
            "FATAL" | "PANIC" => Self::Fatal,
            "WARNING" => Self::Warning,
            _ => Self::Info,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// An error or notice of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// How bad it is.
    pub severity: Severity,
    /// The SQLSTATE.
    pub code: String,
    /// What happened.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Where in the statement, counted in characters from 1.
    pub position: Option<u32>,
}

impl ServerError {
    /// An error.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
        }
    }

    /// An error that ends the session.
    #[must_use]
    pub fn fatal(code: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Fatal, ..Self::new(code, message) }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    pub(super) fn info(message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::new("00000", message) }
    }

    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self::new("42601", message)
    }

    pub(super) fn syntax_at(word: &str) -> Self {
        Self::syntax(format!("syntax error at or near \"{word}\""))
    }

    /// What Redshift answers to a cancelled statement, by whomever or whatever it was cancelled.
    pub(super) fn cancelled(query_id: i64) -> Self {
        Self::new("57014", format!("Query ({query_id}) cancelled on user's request"))
    }

    pub(super) fn aborted_transaction() -> Self {
        let message = "current transaction is aborted, commands ignored until end of transaction block";
        Self::new("25P02", message)
    }

    pub(super) fn parse(mut body: Bytes) -> Self {
        let mut error = Self::new("XX000", "");
        while let Some(&field) = body.first() {
            if field == 0 {
                break;
            }
            let _ = body.split_to(1);
            let Some(text) = take_text(&mut body) else { break };
            match field {
                b'S' => error.severity = Severity::parse(&text),
                b'C' => error.code = text,
                b'M' => error.message = text,
                b'D' => error.detail = Some(text),
                b'H' => error.hint = Some(text),
                b'P' => error.position = text.parse().ok(),
                // The fields that came after PostgreSQL 8.0.
                _ => {}
            }
        }
        error
    }

    pub(super) fn write(&self, output: &mut BytesMut) {
        let mut field = |name: u8, text: &str| {
            output.put_u8(name);
            put_text(output, text);
        };
        field(b'S', self.severity.name());
        field(b'C', &self.code);
        field(b'M', &self.message);
        let position = self.position.map(|position| position.to_string());
        for (name, text) in [(b'D', &self.detail), (b'H', &self.hint), (b'P', &position)] {
            if let Some(text) = text {
                field(name, text);
            }
        }
        output.put_u8(0);
    }

    /// What PostgreSQL says, in the words of Redshift where they differ.
    pub(super) fn in_redshifts_words(self, query_id: i64) -> Self {
        match self.code.as_str() {
            "40001" | "40P01" => Self::serialization(query_id),
            "57014" => Self::cancelled(query_id),
            // A second row of the source for one row of the target of MERGE.
            "21000" if self.message.starts_with("MERGE") => {
                Self::new("XX000", "Found multiple matches to update the same tuple")
            }
            _ => self,
        }
    }

    /// Two transactions that cannot have run one after the other.
    pub(super) fn serialization(query_id: i64) -> Self {
        Self::new("XX000", "1023").with_detail(format!(
            "Serializable isolation violation on table - 100{}, transactions forming the cycle are: {}, {} (pid:{})",
            query_id % 1000,
            query_id * 2,
            query_id * 2 + 1,
            query_id + 7
        ))
    }
}
