//! What is done about a COPY that fails, or that has loaded something else than was written.

use std::time::{Duration, Instant};

use sparkify_testkit::{
    Numbers,
    redshift::{Action, Fault, ServerError},
};
use sparkify_warehouse::{
    Error, Warehouse,
    redshift::{IamRole, RedshiftOptions, RedshiftWarehouse},
};

use super::{BUCKET, ROLE, Stand, append::with_table, integer};

fn copies(stand: &Stand) -> usize {
    stand.sent_that_begin("COPY")
}

/// The error of an append for which something was put in the way.
async fn fails(stand: &Stand, options: RedshiftOptions, obstacle: impl FnOnce()) -> Error {
    with_table(stand).await;
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    obstacle();
    let error = load.append("t", Numbers::new(3, 50)).await.unwrap_err();
    stand.redshift.clear_faults();
    stand.s3.heal();
    // The private tables may hold rows; they are dropped, and nothing is published.
    load.abort(vec!["DROP TABLE t".to_owned()]).await.unwrap();
    assert_eq!(stand.staged(), Vec::<String>::new());
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_new_is_waited_for_and_then_used() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    let unready = ServerError::new("XX000", format!("User x is not authorized to assume IAM Role {ROLE}"));
    stand.redshift.inject(Fault::before_any("COPY", Action::Fail(unready)));
    assert_eq!(load.append("t", Numbers::new(3, 50)).await.unwrap(), 150);
    load.commit().await.unwrap();
    assert_eq!(copies(&stand), 2);
    assert_eq!(integer(warehouse.as_ref(), "SELECT COUNT(*) FROM t").await, 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_the_cluster_has_not_is_waited_for_only_so_long_and_then_explained() {
    let stand = Stand::new();
    let mut options = stand.load_options().await;
    let other = "arn:aws:iam::123456789012:role/other";
    if let Some(staging) = &mut options.staging {
        staging.role = IamRole::Arn(other.to_owned());
    }
    let begin = Instant::now();
    let error = fails(&stand, options, || ()).await;
    assert!(matches!(&error, Error::Copy { .. }) && !error.is_retryable(), "{error:?}");
    assert!(error.hint().unwrap().contains(other), "{}", error.hint().unwrap());
    assert!(begin.elapsed() >= Duration::from_secs(3) && copies(&stand) > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_refuses_the_cluster_is_explained_and_not_tried_again() {
    for (message, hint) in [
        ("COPY with MANIFEST parameter requires full path of an S3 object", "s3:GetObject"),
        ("S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 1", "s3:ListBucket"),
        (
            "S3ServiceException:The bucket you are attempting to access must be addressed using the specified endpoint.",
            "--stage-region",
        ),
    ] {
        let stand = Stand::new();
        let options = stand.load_options().await;
        let error = fails(&stand, options, || {
            stand
                .redshift
                .inject(Fault::before_any("COPY", Action::Fail(ServerError::new("XX000", message))));
        })
        .await;
        assert!(matches!(&error, Error::Copy { table, .. } if table == "t"), "{error:?}");
        assert!(error.hint().unwrap().contains(hint) && error.to_string().contains(message), "{error:?}");
        assert_eq!(copies(&stand), 1, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_reported_failed_though_it_loaded_fails_the_load() {
    let stand = Stand::new();
    let options = stand.load_options().await;
    let error = fails(&stand, options, || {
        let aborted = ServerError::new("XX000", "Query aborted by the system");
        stand.redshift.inject(Fault::before_any("COPY", Action::FailAfter(aborted)));
    })
    .await;
    assert!(matches!(&error, Error::Statement { reason, .. } if reason.contains("aborted")), "{error:?}");
    assert_eq!(copies(&stand), 1, "it must not be run into the same table again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_during_copy_is_followed_by_a_look_at_what_became_of_it() {
    for action in [Action::CloseBefore, Action::CloseAfter] {
        let stand = Stand::new();
        let options = stand.load_options().await;
        let error =
            fails(&stand, options, || stand.redshift.inject(Fault::before_any("COPY", action.clone()))).await;
        assert!(
            matches!(&error, Error::ConnectionLost { reason, .. } if reason.contains("COPY into t")),
            "{error:?}"
        );
        assert!(error.is_retryable());
        let asked = stand.redshift.statements();
        assert!(asked.iter().any(|sent| sent.sql().is_some_and(|sql| sql.contains("sys_query_history"))));
        assert_eq!(copies(&stand), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_loaded_and_were_not_written_fail_the_load() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    // Somebody replaces a file between writing and COPY.
    let s3 = &stand.s3;
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_millis(800))));
    let meddle = async {
        stand.until_sent(1, |sql| sql.starts_with("COPY")).await;
        let parts: Vec<_> = stand.staged().into_iter().filter(|key| key.ends_with(".gz")).collect();
        let other = s3.get(BUCKET, &parts[1]).unwrap();
        s3.put(BUCKET, &parts[0], [&other[..], &other[..]].concat());
    };
    let (result, ()) = tokio::join!(load.append("t", Numbers::new(3, 50)), meddle);
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Unreconciled { reason, .. } if reason.contains("150")), "{error:?}");
    load.abort(vec!["DROP TABLE t".to_owned()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_before_copy_reads_it_fails_the_load() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut load = warehouse.begin_load().await.unwrap();
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_millis(800))));
    let meddle = async {
        stand.until_sent(1, |sql| sql.starts_with("COPY")).await;
        let parts = stand.staged().into_iter().filter(|key| key.ends_with(".gz"));
        parts.take(1).for_each(|key| stand.s3.delete(BUCKET, &key));
    };
    let (result, ()) = tokio::join!(load.append("t", Numbers::new(3, 50)), meddle);
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Copy { .. } | Error::Statement { .. }), "{error:?}");
    load.abort(vec!["DROP TABLE t".to_owned()]).await.unwrap();
    assert_eq!(stand.staged(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_killed_load_has_left_are_deleted_by_the_next_and_no_others() {
    let stand = Stand::new();
    let warehouse = with_table(&stand).await;
    let mut first = warehouse.begin_load().await.unwrap();
    first.append("t", Numbers::new(1, 1)).await.unwrap();
    let folder = stand.staged()[0].split('/').take(3).collect::<Vec<_>>().join("/");
    first.commit().await.unwrap();
    stand.s3.put(BUCKET, &format!("{folder}/killed/01-t/part-00001.json.gz"), "x");
    stand.s3.put(BUCKET, "stage/of tests/another-database/run/manifest.json", "x");
    stand.s3.put(BUCKET, "stage/of somebody", "x");
    let mut load = warehouse.begin_load().await.unwrap();
    load.append("t", Numbers::new(1, 1)).await.unwrap();
    assert!(stand.staged().len() > 3);
    load.commit().await.unwrap();
    assert_eq!(stand.staged(), ["stage/of somebody", "stage/of tests/another-database/run/manifest.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_may_not_be_written_is_named_with_what_to_allow() {
    let stand = Stand::new();
    with_table(&stand).await;
    let options = stand.load_options().await;
    stand.s3.remove_bucket(BUCKET);
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let error = load.append("t", Numbers::new(1, 1)).await.unwrap_err();
    assert!(matches!(&error, Error::Staging { url, .. } if url.starts_with("s3://our-stage/")), "{error:?}");
    assert!(error.hint().unwrap().contains(BUCKET));
    load.abort(Vec::new()).await.unwrap();
    assert_eq!(copies(&stand), 0);
}
