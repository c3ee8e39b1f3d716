//! The schema of the tables, which the settings of a user or of the server must not change.

use std::sync::Arc;

use sparkify_etl::{Cancel, LoadOptions, load, source::LocalDirectory, verify_tables};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{DataSet, Event, POSTGRES_USER, Song, dump_of, rows_of};

use super::Stand;

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_in_public_also_where_a_schema_named_after_the_user_would_come_first() {
    let stand = Stand::new();
    let sql = format!("CREATE SCHEMA {POSTGRES_USER} AUTHORIZATION {POSTGRES_USER}");
    stand.execute_past_the_double(&sql);
    let (library, data) = (SqlLibrary::embedded().unwrap(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    // The second load finds the lock of the first, and what it loaded.
    for loaded in [2, 0] {
        let warehouse = stand.prepared().await;
        verify_tables(warehouse.as_ref(), &library).await.unwrap();
        let source = Arc::new(LocalDirectory::new(data.path()));
        let options = LoadOptions::default();
        let report =
            load(warehouse.as_ref(), source, &library, &options, &Arc::default(), &Cancel::default()).await;
        assert_eq!(report.unwrap().files.loaded, loaded);
        assert_eq!(dump_of(warehouse.as_ref()).await["songplays"].len(), 1);
        let schemas =
            "SELECT DISTINCT table_schema FROM svv_columns WHERE table_name IN ('songplays', 'load_lock')";
        assert_eq!(rows_of(warehouse.as_ref(), schemas).await, [["public"]]);
    }
    let locked = stand.redshift.statements();
    assert!(locked.iter().filter(|sent| sent.sql() == Some("LOCK load_lock")).count() >= 3);
    stand.assert_only_what_redshift_takes();
}
