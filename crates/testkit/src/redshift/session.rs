//! A session: takes statements one after the other.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use bytes::{BufMut, BytesMut};

use super::{
    backend::{Backend, Transaction},
    copy,
    error::{ServerError, Severity},
    fault::Action,
    lock,
    log::{Message, Outcome},
    refusal,
    server::{Cancel, Handle, Shared},
    sql::{Plan, SCHEMA, Setting, plan, statements},
    wire::{Frame, Wire, put_text, take_text},
};

/// The longest text of a query.
const LONGEST_QUERY: usize = 16 << 20;

/// A session.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) client: Wire,
    pub(super) backend: Backend,
    pub(super) cancel: Arc<Cancel>,
    pub(super) transaction_id: i64,
    /// The open transaction is that of a text with several statements.
    implicit: bool,
    /// Parameters that only Redshift has.
    remembered: HashMap<String, String>,
    /// Rows returned by the statement that is running.
    returned_rows: u64,
    /// The statement that is running.
    running: Option<i64>,
}

/// What follows a statement.
enum Next {
    Continue,
    /// The connection is to be closed without a word.
    Close,
}

pub(super) type Ran = io::Result<Result<(), ServerError>>;

impl Session {
    pub(super) fn new(shared: Arc<Shared>, client: Wire, backend: Backend, key: i32) -> Self {
        let cancel = Arc::new(Cancel::default());
        let handle = Handle { key, cancel: Arc::clone(&cancel), canceller: backend.canceller() };
        shared.add_session(backend.pid, handle);
        Self {
            shared,
            client,
            backend,
            cancel,
            transaction_id: 0,
            implicit: false,
            remembered: HashMap::new(),
            returned_rows: 0,
            running: None,
        }
    }

    /// Answers the client until it goes.
    pub(super) async fn serve(mut self) -> io::Result<()> {
        self.ready().await?;
        while let Some(Frame { tag, mut body }) = self.client.read().await? {
            match tag {
                b'Q' => {
                    let Some(sql) = take_text(&mut body) else { return Ok(()) };
                    match self.query(&sql).await? {
                        Next::Continue => self.ready().await?,
                        Next::Close => return Ok(()),
                    }
                }
                b'X' => {
                    self.log(Message::Terminate);
                    return Ok(());
                }
                // Flush and Sync, and what is left of a COPY that never was.
                b'H' => self.client.flush().await?,
                b'S' => self.ready().await?,
                b'd' | b'c' | b'f' => {}
                // Where drivers hang or break on the real thing.
                other => {
                    self.log(Message::Extended(char::from(other)));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn log(&self, message: Message) -> usize {
        lock(&self.shared.log).add(self.backend.pid, message)
    }

    async fn ready(&mut self) -> io::Result<()> {
        let state = self.backend.transaction.letter();
        self.client.put(b'Z', |output| output.put_u8(state));
        self.client.flush().await
    }

    fn put_error(&mut self, error: &ServerError) {
        self.client.put(b'E', |output| error.write(output));
    }

    pub(super) fn put_notice(&mut self, notice: &ServerError) {
        self.client.put(b'N', |output| notice.write(output));
    }

    pub(super) fn put_complete(&mut self, tag: &str) {
        self.client.put(b'C', |output| put_text(output, tag));
    }

    /// Runs the statements of a text.
    async fn query(&mut self, sql: &str) -> io::Result<Next> {
        let number = self.log(Message::Statement(sql.to_owned()));
        let outcome = |session: &Self, outcome| lock(&session.shared.log).set(number, outcome);
        let plans = match plans(sql, self.shared.options.lint) {
            Ok(plans) => plans,
            Err(error) => {
                outcome(self, Outcome::Refused(error.message.clone()));
                self.poison().await?;
                self.put_error(&error);
                return Ok(Next::Continue);
            }
        };
        if plans.is_empty() {
            self.client.put(b'I', |_| ());
        }
        let several = plans.len() > 1;
        for (sql, plan) in plans {
            match self.statement(sql, plan, several).await? {
                Ok(Next::Continue) => {}
                Ok(Next::Close) => {
                    outcome(self, Outcome::Dropped);
                    return Ok(Next::Close);
                }
                Err(error) => {
                    if std::mem::take(&mut self.implicit) {
                        let _ = self.backend.run("ROLLBACK").await?;
                    }
                    outcome(self, Outcome::Failed(error.message.clone()));
                    self.put_error(&error);
                    return Ok(Next::Continue);
                }
            }
        }
        if std::mem::take(&mut self.implicit)
            && let Err(error) = self.backend.run("COMMIT").await?
        {
            outcome(self, Outcome::Failed(error.message.clone()));
            self.put_error(&error.in_redshifts_words(self.transaction_id));
            return Ok(Next::Continue);
        }
        outcome(self, Outcome::Done);
        Ok(Next::Continue)
    }

    /// An error of the double's own also ends the transaction of PostgreSQL.
    async fn poison(&mut self) -> io::Result<()> {
        if self.backend.transaction == Transaction::Open {
            let _ = self.backend.run("refused").await?;
        }
        Ok(())
    }

    async fn statement(
        &mut self,
        sql: &str,
        plan: Plan,
        several: bool,
    ) -> io::Result<Result<Next, ServerError>> {
        if self.backend.transaction == Transaction::None {
            self.transaction_id = self.shared.history.next_id();
        }
        let fault = lock(&self.shared.faults).hit(sql);
        if matches!(fault, Some(Action::CloseBefore)) {
            return Ok(Ok(Next::Close));
        }
        let id = self.shared.history.begin(self.backend.pid, self.transaction_id, sql);
        self.running = Some(id);
        self.cancel.reset();
        self.returned_rows = 0;
        let mark = self.client.mark();
        let result = match &fault {
            Some(Action::Fail(error)) => Err(error.clone()),
            Some(Action::SerializationViolation) => Err(ServerError::serialization(id)),
            Some(Action::Delay(duration)) => match self.delay(*duration, id).await? {
                Ok(()) => self.in_postgres(plan, id, several).await?,
                Err(error) => Err(error),
            },
            Some(Action::CloseAfterCancel) => self.execute(plan, id, several).await?,
            Some(Action::CloseBefore | Action::CloseAfter | Action::FailAfter(_)) | None => {
                self.in_postgres(plan, id, several).await?
            }
        };
        self.running = None;
        // The system tables tell what happened, not what the client is told.
        self.shared.history.end(id, self.returned_rows, result.as_ref().err());
        let result = match fault {
            Some(action @ (Action::CloseAfter | Action::CloseAfterCancel)) => {
                if matches!(action, Action::CloseAfterCancel) {
                    self.cancel.wanted().await;
                }
                self.client.rewind(mark);
                return Ok(Ok(Next::Close));
            }
            Some(Action::FailAfter(error)) => {
                self.client.rewind(mark);
                Err(error)
            }
            _ => result,
        };
        if let Err(error) = &result {
            // PostgreSQL has ended the session.
            if error.severity == Severity::Fatal {
                self.put_error(error);
                self.client.flush().await?;
                return Ok(Ok(Next::Close));
            }
            self.poison().await?;
        }
        Ok(result.map(|()| Next::Continue))
    }

    /// Waits; less long if the statement is cancelled or its time is up.
    async fn delay(&mut self, duration: Duration, id: i64) -> Ran {
        let mut limit = Duration::MAX;
        if self.backend.transaction != Transaction::Failed {
            let sql = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";
            let rows = self.backend.rows(sql).await?.unwrap_or_default();
            let setting = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
            limit = setting.filter(|ms| *ms > 0).map_or(limit, Duration::from_millis);
        }
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(Ok(())),
            () = tokio::time::sleep(limit), if limit < Duration::MAX => Ok(Err(ServerError::cancelled(id))),
            () = self.cancel.wanted() => Ok(Err(ServerError::cancelled(id))),
        }
    }

    async fn in_postgres(&mut self, plan: Plan, id: i64, several: bool) -> Ran {
        self.cancel.enter_postgres();
        let ran = self.execute(plan, id, several).await;
        self.cancel.leave_postgres().await;
        ran
    }

    async fn execute(&mut self, plan: Plan, id: i64, several: bool) -> Ran {
        if self.backend.transaction == Transaction::Failed && !matches!(plan, Plan::End(_)) {
            return Ok(Err(ServerError::aborted_transaction()));
        }
        match plan {
            // The transaction of the text goes on as one of its own.
            Plan::Begin(_) if std::mem::take(&mut self.implicit) => {
                self.put_complete("BEGIN");
                return Ok(Ok(()));
            }
            Plan::Begin(sql) => return self.forward(&sql, id).await,
            Plan::End(sql) => {
                self.implicit = false;
                return self.forward(&sql, id).await;
            }
            Plan::OutsideTransaction { sql, what } => {
                if several || self.backend.transaction != Transaction::None {
                    let message = format!("{what} cannot run inside a transaction block");
                    return Ok(Err(ServerError::new("25001", message)));
                }
                return self.forward(&sql, id).await;
            }
            Plan::Truncate(sql) => {
                self.implicit = false;
                if self.backend.transaction == Transaction::Open
                    && let Err(error) = self.backend.run("COMMIT").await?
                {
                    return Ok(Err(error.in_redshifts_words(id)));
                }
                return self.forward(&sql, id).await;
            }
            _ => {}
        }
        if several && self.backend.transaction == Transaction::None {
            if let Err(error) = self.backend.run("BEGIN").await? {
                return Ok(Err(error.in_redshifts_words(id)));
            }
            self.implicit = true;
        }
        match plan {
            Plan::Lock(sql) if self.backend.transaction == Transaction::None => {
                if let Err(error) = self.backend.run("BEGIN").await? {
                    return Ok(Err(error.in_redshifts_words(id)));
                }
                let locked = self.forward(&sql, id).await?;
                let _ = self.backend.run("COMMIT").await?;
                Ok(locked)
            }
            Plan::Lock(sql) => self.forward(&sql, id).await,
            Plan::Cancel { pid, .. }
                if self.shared.options.ignore_cancel_orders || self.shared.cancel(pid, None).await =>
            {
                self.forward("SELECT 1 AS pg_cancel_backend", id).await
            }
            Plan::Cancel { sql, .. } => self.forward(&sql, id).await,
            Plan::Forward(sql) => {
                if sql.contains(&format!("{SCHEMA}.sys_")) {
                    self.shared.write_history().await?;
                }
                self.forward(&sql, id).await
            }
            Plan::Remember { name, value } => {
                self.remembered.insert(name, value);
                self.put_complete("SET");
                Ok(Ok(()))
            }
            Plan::Show { name, setting } => self.show(&name, setting, id).await,
            Plan::Copy(statement) => copy::run(self, &statement, id).await,
            Plan::Begin(_) | Plan::End(_) | Plan::OutsideTransaction { .. } | Plan::Truncate(_) => Ok(Ok(())),
        }
    }

    /// Lets PostgreSQL run a statement and hands on what it answers.
    async fn forward(&mut self, sql: &str, id: i64) -> Ran {
        self.backend.send(sql).await?;
        let mut error = None;
        loop {
            let Frame { tag, body } = self.backend.next().await?;
            match tag {
                b'Z' => break,
                b'E' => {
                    let new = ServerError::parse(body).in_redshifts_words(id);
                    let is_last = new.severity == Severity::Fatal;
                    error = Some(new);
                    if is_last {
                        break;
                    }
                }
                b'N' => {
                    let notice = ServerError::parse(body);
                    self.put_notice(&notice);
                }
                b'S' => self.parameter(body),
                b'C' => self.complete(body),
                b'T' | b'D' | b'I' => {
                    self.returned_rows += u64::from(tag == b'D');
                    self.client.put(tag, |output| output.put_slice(&body));
                    self.client.flush_if_full().await?;
                }
                _ => {}
            }
        }
        Ok(error.map_or(Ok(()), Err))
    }

    /// PostgreSQL counts the rows of a SELECT in its tag; Redshift is older.
    fn complete(&mut self, mut body: bytes::Bytes) {
        let tag = take_text(&mut body).unwrap_or_default();
        let tag = if tag.starts_with("SELECT ") { "SELECT" } else { &tag };
        self.put_complete(tag);
    }

    fn parameter(&mut self, body: bytes::Bytes) {
        let known = ["TimeZone", "DateStyle", "session_authorization", "is_superuser"];
        let mut rest = body.clone();
        if take_text(&mut rest).is_some_and(|name| known.contains(&name.as_str())) {
            self.client.put(b'S', |output| output.put_slice(&body));
        }
    }

    async fn show(&mut self, name: &str, setting: Setting, id: i64) -> Ran {
        let value = match (setting, name) {
            (_, "server_version") => "8.0.2",
            (_, "server_encoding" | "client_encoding") => "UNICODE",
            (Setting::Remembered, _) => self.remembered.get(name).map_or("default", String::as_str),
            (Setting::Postgres, _) => return self.forward(&format!("SHOW {name}"), id).await,
        };
        let value = value.to_owned();
        self.put_row(name, &value);
        self.put_complete("SHOW");
        Ok(Ok(()))
    }

    /// One text in one row.
    fn put_row(&mut self, name: &str, value: &str) {
        self.client.put(b'T', |output: &mut BytesMut| {
            output.put_u16(1);
            put_text(output, name);
            output.put_i32(0);
            output.put_i16(0);
            output.put_i32(25);
            output.put_i16(-1);
            output.put_i32(-1);
            output.put_i16(0);
        });
        self.client.put(b'D', |output| {
            output.put_u16(1);
            output.put_i32(i32::try_from(value.len()).unwrap_or(0));
            output.put_slice(value.as_bytes());
        });
        self.returned_rows = 1;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(id) = self.running {
            let error = ServerError::fatal("57P01", "terminating connection due to administrator command");
            self.shared.history.end(id, 0, Some(&error));
        }
        self.shared.remove_session(self.backend.pid);
    }
}

/// All statements of a text; the parser sees all of them before the first one runs.
fn plans(sql: &str, lint: bool) -> Result<Vec<(&str, Plan)>, ServerError> {
    if sql.len() > LONGEST_QUERY {
        let message = format!(
            "Statement is too large. Statement Size: {} bytes. Maximum Allowed: {LONGEST_QUERY} bytes",
            sql.len()
        );
        return Err(ServerError::new("54000", message));
    }
    let statements = statements(sql).map_err(ServerError::syntax)?;
    statements
        .into_iter()
        .map(|statement| {
            let plan = plan(statement)?;
            if lint {
                refusal::check(statement)?;
            }
            Ok((statement, plan))
        })
        .collect()
}
