//! Connections to PostgreSQL, cut by a proxy.

use sparkify_testkit::{PostgresDatabase, PostgresServer, WireProxy};
use sparkify_warehouse::postgres::PostgresWarehouse;

use super::*;
use crate::postgres::options;

struct Proxied {
    database: PostgresDatabase,
    direct: Arc<PostgresWarehouse>,
    proxy: WireProxy,
}

#[async_trait]
impl Target for Proxied {
    const DIALECT: Dialect = Dialect::Postgres;
    const LEAST: (usize, usize) = (150, 15);
    const BEGINNINGS: &'static [&'static str] = &["SELECT pg_try_advisory_lock", "SELECT pg_advisory_unlock"];

    async fn new(data: &DataSet) -> Self {
        let server = PostgresServer::shared();
        let (database, proxy) = (server.create_database(), WireProxy::start(server));
        let socket = format!("host={}", server.socket_directory().display());
        let direct = PostgresWarehouse::open(&options(&database.url_with("", &socket))).await.unwrap();
        create_tables(&direct, &SqlLibrary::embedded().unwrap()).await.unwrap();
        load_into(&direct, data.path(), Retries::none()).await.unwrap();
        direct.transact(save()).await.unwrap();
        Self { database, direct: Arc::new(direct), proxy }
    }

    async fn set_back(&self) {
        self.direct.transact(restore()).await.unwrap();
    }

    fn begin(&self, cut: Option<Cut>) {
        self.proxy.begin(cut);
    }

    fn statements(&self) -> Vec<String> {
        self.proxy.statements()
    }

    fn was_cut(&self) -> bool {
        self.proxy.was_cut()
    }

    fn row_messages(&self) -> usize {
        self.proxy.row_messages()
    }

    async fn open(&self) -> Result<Arc<dyn Warehouse>, EngineError> {
        let mut options = options(&self.proxy.url(&self.database));
        options.wait = Duration::from_secs(20);
        Ok(Arc::new(PostgresWarehouse::open(&options).await?))
    }

    async fn look(&self) -> Arc<dyn Warehouse> {
        Arc::clone(&self.direct) as _
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_fails_with_nothing_half_done_and_can_be_repeated() {
    at_each(every_moment, |target: Arc<Proxied>, plan, cut| async move {
        fail_at(target.as_ref(), &plan, cut).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_succeeds_when_it_may_begin_anew() {
    at_each(every_statement, |target: Arc<Proxied>, plan, cut| async move {
        recover_at(target.as_ref(), &plan, cut).await;
    })
    .await;
}
