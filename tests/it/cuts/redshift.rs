//! Connections to the double of Redshift, which cuts them itself.

use std::sync::Mutex;

use sparkify_testkit::redshift::{Action, Fault};
use sparkify_warehouse::redshift::{RedshiftOptions, RedshiftWarehouse};

use super::*;
use crate::redshift::Stand;

struct Doubled {
    stand: Stand,
    options: RedshiftOptions,
    /// The statements before those that count, and the number of the one that is cut.
    begun: Mutex<(usize, Option<usize>)>,
}

#[async_trait]
impl Target for Doubled {
    const DIALECT: Dialect = Dialect::Redshift;
    const LEAST: (usize, usize) = (150, 0);
    const BEGINNINGS: &'static [&'static str] = &["COPY sparkify_run_songs", "LOCK ", "ANALYZE "];

    async fn new(data: &DataSet) -> Self {
        let stand = Stand::new();
        let mut options = stand.load_options().await;
        options.wait = Duration::from_secs(20);
        let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
        create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
        load_into(&warehouse, data.path(), Retries::none()).await.unwrap();
        let target = Self { stand, options, begun: Mutex::default() };
        target.past_the_double(&save());
        target
    }

    async fn set_back(&self) {
        self.past_the_double(&restore());
    }

    fn begin(&self, cut: Option<Cut>) {
        self.stand.redshift.clear_faults();
        let at = match cut {
            None => None,
            Some(Cut::Before(number)) => Some((number, Action::CloseBefore)),
            Some(Cut::After(number)) => Some((number, Action::CloseAfter)),
            Some(Cut::AfterCancel(number)) => Some((number, Action::CloseAfterCancel)),
            Some(Cut::WithinRows(_)) => panic!("Redshift takes no rows"),
        };
        *self.begun.lock().unwrap() =
            (self.stand.redshift.statements().len(), at.as_ref().map(|(number, _)| *number));
        if let Some((number, action)) = at {
            self.stand.redshift.inject(Fault::at(number as u64 + 1, action));
        }
    }

    fn statements(&self) -> Vec<String> {
        let (before, _) = *self.begun.lock().unwrap();
        let received = self.stand.redshift.statements();
        received[before..].iter().filter_map(|one| one.sql().map(str::to_owned)).collect()
    }

    fn was_cut(&self) -> bool {
        let (_, cut) = *self.begun.lock().unwrap();
        cut.is_some_and(|number| self.statements().len() > number)
    }

    fn row_messages(&self) -> usize {
        0
    }

    async fn open(&self) -> Result<Arc<dyn Warehouse>, EngineError> {
        Ok(Arc::new(RedshiftWarehouse::open(&self.options).await?))
    }

    async fn look(&self) -> Arc<dyn Warehouse> {
        self.open().await.unwrap()
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(self.stand.staged(), [""; 0]);
    }
}

impl Doubled {
    fn past_the_double(&self, statements: &[String]) {
        let transaction = format!("BEGIN; {}; COMMIT", statements.join("; "));
        self.stand.execute_past_the_double(&transaction);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_fails_with_nothing_half_done_and_can_be_repeated() {
    at_each(every_statement, |target: Arc<Doubled>, plan, cut| async move {
        fail_at(target.as_ref(), &plan, cut).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_succeeds_when_it_may_begin_anew() {
    at_each(every_statement, |target: Arc<Doubled>, plan, cut| async move {
        recover_at(target.as_ref(), &plan, cut).await;
    })
    .await;
}
