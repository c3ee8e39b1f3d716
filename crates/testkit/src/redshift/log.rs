//! What clients sent.

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A login with what came with it.
    Startup {
        /// The user's name.
        user: String,
        /// The database.
        database: String,
        /// Everything else.
        parameters: Vec<(String, String)>,
    },
    /// A statement, of the simple query protocol.
    Statement(String),
    /// A message of the extended query protocol, which drops the client.
    Extended(char),
    /// A request to cancel what the session does.
    Cancel,
    /// The orderly end.
    Terminate,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Pending,
    /// Done.
    Done,
    /// Refused before it could run: Redshift does not take it.
    Refused(String),
    /// It ran and failed.
    Failed(String),
    /// The connection was closed instead of an answer.
    Dropped,
}

/// A message of a client and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The session: the id of its process, 0 before there is one.
    pub session: i32,
    /// The message.
    pub message: Message,
    /// What became of it.
    pub outcome: Outcome,
}

impl Received {
    /// The statement, if it is one.
    #[must_use]
    pub fn sql(&self) -> Option<&str> {
        match &self.message {
            Message::Statement(sql) => Some(sql),
            _ => None,
        }
    }
}

/// All messages in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Received>);

impl Log {
    /// Adds a message; its number is for [`set`](Self::set).
    pub(super) fn add(&mut self, session: i32, message: Message) -> usize {
        let outcome = if matches!(message, Message::Statement(_) | Message::Startup { .. }) {
            Outcome::Pending
        } else {
            Outcome::Done
        };
        self.0.push(Received { session, message, outcome });
        self.0.len() - 1
    }

    pub(super) fn set(&mut self, number: usize, outcome: Outcome) {
        if let Some(received) = self.0.get_mut(number) {
            received.outcome = outcome;
        }
    }

    pub(super) fn set_session(&mut self, number: usize, session: i32) {
        if let Some(received) = self.0.get_mut(number) {
            received.session = session;
        }
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.0.clone()
    }
}
