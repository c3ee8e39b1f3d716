//! A warehouse that was restored from a snapshot of another one, and has its tables and its place in S3.

use std::collections::BTreeSet;

use sparkify_etl::create_tables;
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{
    Numbers, PostgresServer,
    redshift::{RedshiftDouble, RedshiftDoubleOptions},
};
use sparkify_warehouse::{
    LoadSession, Warehouse,
    redshift::{RedshiftOptions, RedshiftWarehouse},
};

use super::{ROLE, Stand, options};

const TABLE: &str = "CREATE TABLE t (number BIGINT, name VARCHAR(64))";

/// A load that has files in S3.
async fn load_with_files(warehouse: &RedshiftWarehouse) -> Box<dyn LoadSession> {
    let mut load = warehouse.begin_load().await.unwrap();
    load.prepare(vec![TABLE.to_owned()]).await.unwrap();
    assert_eq!(load.append("t", Numbers::new(3, 50)).await.unwrap(), 150);
    load
}

/// A warehouse with the lock of the other one, as a snapshot of it has.
async fn restored(original: &Stand, namespace: Option<&str>) -> (RedshiftDouble, RedshiftWarehouse) {
    let double = RedshiftDoubleOptions {
        s3_endpoint: Some(original.s3.service_endpoint()),
        roles: Some(vec![ROLE.to_owned()]),
        namespace: namespace.map(str::to_owned),
        ..RedshiftDoubleOptions::default()
    };
    let double = RedshiftDouble::launch(PostgresServer::shared(), double);
    let server = options(&double.owner_url()).server;
    let options = RedshiftOptions { server, ..original.load_options().await };
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    let id = super::text(&original.open().await, "SELECT id FROM load_lock").await;
    let sql = format!("INSERT INTO load_lock (id) VALUES ('{id}')");
    PostgresServer::shared().execute(double.postgres_database(), &sql);
    (double, warehouse)
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_of_a_restored_warehouse_and_its_original_leave_the_files_of_each_other_alone() {
    for namespace in [Some("0f5b"), None] {
        let stand = Stand::with(|options| options.namespace = namespace.map(|_| "86b5".to_owned()));
        let original = stand.prepared().await;
        original.begin_load().await.unwrap().commit().await.unwrap();
        let (_double, restored) = restored(&stand, namespace).await;
        for (first, second) in [(original.as_ref(), &restored), (&restored, original.as_ref())] {
            let first = load_with_files(first).await;
            let files = stand.staged();
            assert!(!files.is_empty());
            let second = load_with_files(second).await;
            assert!(stand.staged().len() > files.len());
            second.abort(vec!["DROP TABLE t".to_owned()]).await.unwrap();
            assert_eq!(stand.staged(), files, "{namespace:?}");
            first.abort(vec!["DROP TABLE t".to_owned()]).await.unwrap();
            assert_eq!(stand.staged(), [""; 0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_killed_load_are_deleted_by_the_next_if_the_warehouse_tells_its_identity() {
    for known in [true, false] {
        let stand = Stand::with(|options| {
            if !known {
                options.namespace = None;
            }
        });
        let warehouse = stand.prepared().await;
        // It ends without a word, as one that is killed.
        drop(load_with_files(warehouse.as_ref()).await);
        let left: BTreeSet<_> = stand.staged().into_iter().collect();
        assert!(!left.is_empty());
        let mut next = warehouse.begin_load().await.unwrap();
        next.prepare(vec!["DROP TABLE t".to_owned(), TABLE.to_owned()]).await.unwrap();
        next.append("t", Numbers::new(1, 5)).await.unwrap();
        next.commit().await.unwrap();
        let expected = if known { BTreeSet::new() } else { left };
        assert_eq!(stand.staged().into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
