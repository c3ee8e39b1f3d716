//! An engine between the program and the real one: it sees each statement before it is sent, and can send one first.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sparkify_schema::Dialect;
use sparkify_warehouse::{
    BatchSource, Capabilities, Fill, Filled, LoadSession, ObjectReading, RecordSet, Result, Warehouse,
};

/// Is told each statement, and may name one to be sent before it.
type Before = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The engine.
#[derive(Clone)]
pub(crate) struct Interposed {
    engine: Arc<dyn Warehouse>,
    before: Before,
}

impl Interposed {
    pub(crate) fn new(
        engine: Arc<dyn Warehouse>,
        before: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { engine, before: Arc::new(before) }
    }
}

impl fmt::Debug for Interposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.fmt(f)
    }
}

fn tell_transaction(before: &Before, statements: &[String]) {
    for sql in ["BEGIN"].into_iter().chain(statements.iter().map(String::as_str)).chain(["COMMIT"]) {
        let _ = before(sql);
    }
}

#[async_trait]
impl Warehouse for Interposed {
    fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    fn location(&self) -> String {
        self.engine.location()
    }

    async fn query(&self, sql: &str) -> Result<RecordSet> {
        let _ = (self.before)(sql);
        self.engine.query(sql).await
    }

    async fn transact(&self, statements: Vec<String>) -> Result<()> {
        tell_transaction(&self.before, &statements);
        self.engine.transact(statements).await
    }

    async fn begin_load(&self) -> Result<Box<dyn LoadSession>> {
        let session = self.engine.begin_load().await?;
        Ok(Box::new(Session { session, before: Arc::clone(&self.before) }))
    }

    fn interrupt(&self) {
        self.engine.interrupt();
    }

    async fn close(&self) -> Result<()> {
        self.engine.close().await
    }
}

struct Session {
    session: Box<dyn LoadSession>,
    before: Before,
}

impl Session {
    async fn send_first(&mut self, sql: &str) -> Result<()> {
        if let Some(first) = (self.before)(sql) {
            self.session.execute(&first).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl LoadSession for Session {
    async fn execute(&mut self, sql: &str) -> Result<u64> {
        self.send_first(sql).await?;
        self.session.execute(sql).await
    }

    async fn query(&mut self, sql: &str) -> Result<RecordSet> {
        self.send_first(sql).await?;
        self.session.query(sql).await
    }

    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64> {
        self.session.append(table, source).await
    }

    fn reads_objects(&self) -> Option<ObjectReading> {
        self.session.reads_objects()
    }

    async fn fill(&mut self, fill: Fill) -> Result<Filled> {
        self.session.fill(fill).await
    }

    async fn prepare(&mut self, statements: Vec<String>) -> Result<()> {
        tell_transaction(&self.before, &statements);
        self.session.prepare(statements).await
    }

    async fn publish(&mut self) -> Result<()> {
        let _ = (self.before)("BEGIN");
        self.session.publish().await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let _ = (self.before)("COMMIT");
        self.session.commit().await
    }

    async fn abort(self: Box<Self>, cleanup: Vec<String>) -> Result<()> {
        self.session.abort(cleanup).await
    }
}
