//! COPY while it runs and after it: at the same time for all tables, with news of how far it is, and with system
//! views that tell late.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sparkify_testkit::{
    Numbers,
    redshift::{Action, Fault, Outcome},
    s3::{Effect, Fault as S3Fault},
};
use sparkify_warehouse::{
    CopyProgress, Copying, Error, Fill, Warehouse,
    redshift::{RedshiftOptions, RedshiftWarehouse},
};

use super::{
    Stand,
    append::{text_of, with_table},
    integer,
    objects::{Source, load_objects},
};

/// Notes what it is told.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<Copying>>);

impl CopyProgress for Notes {
    fn copying(&self, state: &Copying) {
        self.0.lock().unwrap().push(state.clone());
    }
}

/// How many COPYs have been received and are not answered.
fn copies_under_way(stand: &Stand) -> usize {
    let statements = stand.redshift.statements();
    let copies = statements.iter().filter(|sent| sent.sql().is_some_and(|sql| sql.starts_with("COPY")));
    copies.filter(|sent| sent.outcome == Outcome::Pending).count()
}

fn asked(stand: &Stand, view: &str) -> usize {
    let statements = stand.redshift.statements();
    statements.iter().filter(|sent| sent.sql().is_some_and(|sql| sql.contains(view))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_and_what_redshift_reads_itself_is_copied_at_the_same_time() {
    let source = Source::on(Stand::new());
    let mut load = source.begin_with(|_| ()).await;
    load.prepare(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    source.stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(4))).times(2));
    let fill = Fill {
        tables: vec![("t".to_owned(), Numbers::new(3, 50) as _)],
        objects: vec![source.events()],
        progress: None,
    };
    let both = async {
        let begin = Instant::now();
        while copies_under_way(&source.stand) < 2 {
            assert!(begin.elapsed() < Duration::from_secs(60), "one COPY waits for the other");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (filled, ()) = tokio::join!(load.fill(fill), both);
    let filled = filled.unwrap();
    assert_eq!((filled.rows, filled.objects[0].rows), (vec![150], 3));
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_watches_two_copies_has_five_sessions_as_its_hint_says() {
    let source = Source::on(Stand::new());
    let mut load = source.begin_with(|options| options.watch_interval = Duration::from_millis(50)).await;
    load.prepare(vec!["CREATE TABLE t (number BIGINT, name VARCHAR(64))".to_owned()]).await.unwrap();
    let own = source.stand.redshift.session_count();
    source.stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(6))).times(2));
    let fill = Fill {
        tables: vec![("t".to_owned(), Numbers::new(3, 50) as _)],
        objects: vec![source.events()],
        progress: None,
    };
    let watched = async {
        let begin = Instant::now();
        loop {
            let both = copies_under_way(&source.stand) == 2;
            let statements = source.stand.redshift.statements();
            let questions = statements.iter().filter_map(|sent| sent.sql());
            let about: BTreeSet<_> = questions.filter(|sql| sql.contains("sys_load_history")).collect();
            if both && about.len() == 2 {
                return source.stand.redshift.session_count();
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "the COPYs are not watched");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (filled, sessions) = tokio::join!(load.fill(fill), watched);
    filled.unwrap();
    assert_eq!(sessions - own, 3, "two that copy, and one that watches both, beside the two of the load");
    let full = Error::TooManyConnections { location: "redshift://x".to_owned(), reason: String::new() };
    assert!(full.hint().unwrap().contains("up to five connections"));
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_copy_is_is_told_while_it_runs() {
    let source = Source::on(Stand::new());
    let mut load = source.begin_with(|options| options.watch_interval = Duration::from_millis(100)).await;
    let events = source.events();
    let late = S3Fault::any(Effect::Delay(Duration::from_secs(3))).key("log_data/b.json");
    source.stand.s3.inject(late);
    let notes = Arc::new(Notes::default());
    let progress = Arc::clone(&notes);
    let fill = Fill { objects: vec![events], progress: Some(progress), ..Fill::default() };
    load.fill(fill).await.unwrap();
    let told = notes.0.lock().unwrap().clone();
    assert!(told.iter().all(|state| state.table == "batch" && state.files_total == 2), "{told:?}");
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert_eq!((first.rows, first.files), (0, 0), "that it begins is told");
    assert_eq!((last.rows, last.files), (3, 2), "and that it has ended");
    let between = told.iter().find(|state| state.files == 1);
    assert!(between.is_some_and(|state| state.rows == 2 && state.bytes > 0), "{told:?}");
    load.abort(Vec::new()).await.unwrap();
    source.stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn system_views_that_tell_late_and_in_parts_are_waited_for() {
    let late = || Stand::with(|options| options.view_lag = Duration::from_millis(1500));
    let stand = late();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let begin = Instant::now();
    assert_eq!(load.append("t", Numbers::new(3, 50)).await.unwrap(), 150);
    assert!(begin.elapsed() >= Duration::from_millis(1400), "the second file is shown only then");
    load.commit().await.unwrap();
    assert!(asked(&stand, "sys_load_detail") > 1);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 150);

    let source = Source::on(late());
    let mut load = source.begin_with(|_| ()).await;
    let loaded = load_objects(load.as_mut(), vec![source.events()]).await.unwrap();
    let lines: Vec<_> = loaded[0].objects.iter().map(|object| object.lines).collect();
    assert_eq!((loaded[0].rows, lines), (3, vec![2, 1]));
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_refused_is_shown_even_if_the_system_views_tell_late() {
    let stand = Stand::with(|options| options.view_lag = Duration::from_secs(2));
    let warehouse = with_table(&stand).await;
    warehouse
        .transact(vec!["CREATE TABLE narrow (number INTEGER, name VARCHAR(64))".to_owned()])
        .await
        .unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(1))));
    let shorten = async {
        while copies_under_way(&stand) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let sql = "ALTER TABLE narrow ALTER COLUMN name TYPE character varying(2)";
        stand.execute_past_the_double(sql);
    };
    let (result, ()) = tokio::join!(load.append("narrow", Numbers::new(1, 11)), shorten);
    let error = result.unwrap_err();
    let Error::RecordsRefused { rejects, .. } = &error else { panic!("{error:?}") };
    assert_eq!(text_of(&rejects[0]), r#"{"number":10,"name":"n10"}"#);
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn system_views_that_never_tell_fail_a_load_only_if_its_rows_were_not_counted() {
    let silent = || Stand::with(|options| options.view_lag = Duration::from_secs(3600));
    let impatient = |options: &mut RedshiftOptions| options.view_patience = Duration::from_secs(1);
    let stand = silent();
    with_table(&stand).await;
    let mut options = stand.load_options().await;
    impatient(&mut options);
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    assert_eq!(load.append("t", Numbers::new(3, 50)).await.unwrap(), 150);
    load.commit().await.unwrap();

    let source = Source::on(silent());
    let mut load = source.begin_with(impatient).await;
    let error = load_objects(load.as_mut(), vec![source.events()]).await.unwrap_err();
    assert!(matches!(&error, Error::Unreconciled { reason, .. } if reason.contains("running")), "{error:?}");
    load.abort(Vec::new()).await.unwrap();
}
