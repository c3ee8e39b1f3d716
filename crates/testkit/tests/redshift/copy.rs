//! COPY from S3.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use sparkify_testkit::{
    PostgresServer,
    redshift::{Action, Fault, RedshiftDouble, RedshiftDoubleOptions, ServerError},
    s3::{Effect, Fault as S3Fault, S3Double, S3DoubleOptions},
};
use tokio_postgres::Client;

use crate::{connect, failure, rows, run};

const ROLE: &str = "arn:aws:iam::123456789012:role/load";
const PATHS: &str = r#"{"jsonpaths": ["$['id']", "$['userName']", "$['length']", "$.at"]}"#;

/// A double with an S3 and a table.
struct Cluster {
    s3: S3Double,
    double: RedshiftDouble,
    client: Client,
}

async fn cluster() -> Cluster {
    cluster_with(|_| ()).await
}

/// One that takes options that our own statements must not have.
async fn cluster_without_lint() -> Cluster {
    cluster_with(|options| options.lint = false).await
}

async fn cluster_with(change: impl FnOnce(&mut RedshiftDoubleOptions)) -> Cluster {
    let s3 = S3Double::launch(S3DoubleOptions::default());
    s3.create_bucket("data");
    s3.put("data", "paths.json", PATHS);
    let mut options = RedshiftDoubleOptions {
        s3_endpoint: Some(s3.service_endpoint()),
        ..RedshiftDoubleOptions::default()
    };
    change(&mut options);
    let double = RedshiftDouble::start(PostgresServer::shared(), options).await;
    let client = connect(&double).await;
    run(&client, "CREATE TABLE plays (id BIGINT NOT NULL, user_name VARCHAR(8), length FLOAT8, at BIGINT)")
        .await;
    Cluster { s3, double, client }
}

impl Cluster {
    /// Puts files below `in/`, and a manifest of them.
    fn put(&self, files: &[(&str, &[u8])]) {
        let urls: Vec<_> = files.iter().map(|(name, _)| format!("s3://data/in/{name}")).collect();
        for (name, bytes) in files {
            self.s3.put("data", &format!("in/{name}"), bytes.to_vec());
        }
        self.manifest(&urls, true);
    }

    fn manifest(&self, urls: &[String], mandatory: bool) {
        let entries: Vec<_> =
            urls.iter().map(|url| serde_json::json!({"url": url, "mandatory": mandatory})).collect();
        self.s3.put("data", "m.manifest", serde_json::json!({"entries": entries}).to_string());
    }

    async fn copied(&self, options: &str) {
        run(&self.client, &copy(options)).await;
    }

    async fn refused(&self, options: &str) -> String {
        failure(&self.client, &copy(options)).await.1
    }

    async fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.client, sql).await
    }

    async fn count(&self) -> String {
        self.rows("SELECT COUNT(*) FROM plays").await.remove(0)
    }

    /// The error of the last COPY: file, line, column, type, length, code, message.
    async fn error(&self) -> String {
        let sql = "SELECT BTRIM(file_name), line_number, BTRIM(column_name), BTRIM(column_type), \
                   BTRIM(column_length), error_code, BTRIM(error_message) \
                   FROM sys_load_error_detail WHERE query_id = pg_last_copy_id()";
        self.rows(sql).await.remove(0)
    }
}

fn copy(options: &str) -> String {
    copy_from("s3://data/m.manifest", options)
}

fn copy_from(manifest: &str, options: &str) -> String {
    let region = if options.contains("REGION") { "" } else { "REGION 'us-west-2'" };
    format!(
        "COPY plays (id, user_name, length, at) FROM '{manifest}' IAM_ROLE '{ROLE}' MANIFEST {region} \
         FORMAT AS JSON 's3://data/paths.json' COMPUPDATE OFF STATUPDATE OFF MAXERROR 0 {options}"
    )
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn files_of_a_manifest_are_loaded_and_the_system_views_tell_of_it() {
    let cluster = cluster().await;
    let first = b"{\"id\": 1, \"userName\": \"a\\tb\", \"length\": 1.5, \"at\": 1541105830796}\n{\"id\": \"2\", \"at\": \"\"}";
    let second = b"{\n  \"id\": 3,\n  \"userName\": null\n}\n";
    cluster.put(&[("1.json.gz", &gzip(first)), ("2.json.gz", &gzip(second))]);
    cluster.copied("GZIP").await;
    assert_eq!(
        cluster.rows("SELECT * FROM plays ORDER BY id").await,
        ["1|a\tb|1.5|1541105830796", "2|-|-|-", "3|-|-|-"]
    );
    assert_eq!(cluster.rows("SELECT pg_last_copy_count()").await, ["3"]);
    let sql = "SELECT BTRIM(status), table_name, data_source, loaded_rows, source_file_count, error_count, \
               session_id = pg_backend_pid() FROM sys_load_history WHERE query_id = pg_last_copy_id()";
    assert_eq!(cluster.rows(sql).await, ["completed|plays|s3://data/m.manifest|3|2|0|t"]);
    let sql = "SELECT BTRIM(file_name), lines_scanned, LENGTH(BTRIM(file_etag)), file_last_modified > '2020-01-01' \
               FROM sys_load_detail WHERE query_id = pg_last_copy_id() ORDER BY 1";
    assert_eq!(cluster.rows(sql).await, ["s3://data/in/1.json.gz|2|32|t", "s3://data/in/2.json.gz|1|32|t"]);
    let other = connect(&cluster.double).await;
    assert_eq!(rows(&other, "SELECT COUNT(*) FROM sys_load_history").await, ["1"]);
    assert_eq!(rows(&other, "SELECT pg_last_copy_id()").await, ["-1"], "each session has its own");
    let sql = "SELECT BTRIM(query_type), BTRIM(status) FROM sys_query_history WHERE query_text LIKE 'COPY%'";
    assert_eq!(rows(&other, sql).await, ["COPY|success"]);
}

#[tokio::test]
async fn a_notice_says_how_many_records_were_loaded() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    let (client, mut connection) =
        crate::config(&cluster.double, sparkify_testkit::POSTGRES_USER, sparkify_testkit::POSTGRES_PASSWORD)
            .connect(crate::tls(&cluster.double.authority()))
            .await
            .unwrap();
    let statement = copy("");
    let copying = client.batch_execute(&statement);
    tokio::pin!(copying);
    let mut notices = Vec::new();
    loop {
        tokio::select! {
            result = &mut copying => break result.unwrap(),
            message = std::future::poll_fn(|context| connection.poll_message(context)) => {
                if let Some(Ok(tokio_postgres::AsyncMessage::Notice(notice))) = message {
                    notices.push((notice.severity().to_owned(), notice.message().to_owned()));
                }
            }
        }
    }
    let expected = "Load into table 'plays' completed, 1 record(s) loaded successfully.";
    assert_eq!(notices, [("INFO".to_owned(), expected.to_owned())]);
}

#[tokio::test]
async fn a_bad_record_fails_the_load_and_is_described() {
    let cluster = cluster_without_lint().await;
    let good = "{\"id\": 1, \"userName\": \"x\"}\n";
    for (bad, expected) in [
        ("{\"id\": \"x\"}", "id|int8|0|1207|Invalid digit, Value 'x', Pos 0, Type: Long"),
        ("{\"id\": 1.0}", "id|int8|0|1207|Invalid digit, Value '.', Pos 1, Type: Long"),
        ("{\"id\": 1, \"userName\": \"ääääx\"}", "user_name|varchar|8|1204|String length exceeds DDL length"),
        ("{\"userName\": \"x\"}", "id|int8|0|1213|Missing data for not-null field"),
        (
            "{\"id\": 1, \"length\": \"long\"}",
            "length|float8|0|1207|Invalid digit, Value 'l', Pos 0, Type: Double",
        ),
        ("{\"id\": 1", "||0|1216|Invalid value."),
        ("nonsense", "||0|1216|Invalid value."),
        (
            "{\"id\": 1, \"userName\": \"\\u0000\"}",
            "user_name|varchar|8|1224|Invalid null byte - field longer than 1 byte",
        ),
    ] {
        cluster.put(&[("1.json", good.as_bytes()), ("2.json", format!("{good}\n{bad}").as_bytes())]);
        let message = cluster.refused("").await;
        let expected_message =
            "Load into table 'plays' failed.  Check 'sys_load_error_detail' system table for details.";
        assert_eq!(message, expected_message, "{bad}");
        assert_eq!(cluster.error().await, format!("s3://data/in/2.json|3|{expected}"), "{bad}");
        assert_eq!(cluster.count().await, "0", "{bad}");
        let sql = "SELECT BTRIM(status), loaded_rows, error_count, pg_last_copy_count() FROM sys_load_history \
                   WHERE query_id = pg_last_copy_id()";
        assert_eq!(cluster.rows(sql).await, ["aborted|0|1|0"]);
    }
    let mut bytes = b"{\"id\": 1, \"userName\": \"".to_vec();
    bytes.extend(b"\xe9\"}");
    cluster.put(&[("1.json", &bytes)]);
    cluster.refused("").await;
    assert!(cluster.error().await.contains("|user_name|varchar|8|1220|String contains invalid"));
    cluster.copied("ACCEPTINVCHARS AS '?'").await;
    assert_eq!(cluster.rows("SELECT user_name FROM plays").await, ["?"]);
}

#[tokio::test]
async fn up_to_max_error_records_may_be_bad() {
    let cluster = cluster_without_lint().await;
    cluster.put(&[("1.json", b"{\"id\": 1}\n{\"id\": \"x\"}\n{\"id\": 2}\n{\"id\": \"y\"}")]);
    let with = |max: u32| copy("").replace("MAXERROR 0", &format!("MAXERROR {max}"));
    failure(&cluster.client, &with(2)).await;
    assert_eq!(cluster.count().await, "0");
    run(&cluster.client, &with(3)).await;
    assert_eq!(cluster.count().await, "2");
    assert_eq!(
        cluster.rows("SELECT COUNT(*) FROM sys_load_error_detail WHERE query_id = pg_last_copy_id()").await,
        ["2"]
    );
}

#[tokio::test]
async fn long_and_blank_texts_follow_the_options() {
    let cluster = cluster_without_lint().await;
    let text = "{\"id\": 1, \"userName\": \"ääääx\"}{\"id\": 2, \"userName\": \"  \"}{\"id\": 3, \"userName\": \"\"}";
    cluster.put(&[("1.json", text.as_bytes())]);
    cluster.copied("TRUNCATECOLUMNS BLANKSASNULL EMPTYASNULL").await;
    assert_eq!(cluster.rows("SELECT id, user_name FROM plays ORDER BY id").await, ["1|ääää", "2|-", "3|-"]);
    run(&cluster.client, "DELETE FROM plays").await;
    cluster.put(&[("1.json", text.replace('x', "").as_bytes())]);
    cluster.copied("").await;
    assert_eq!(cluster.rows("SELECT id, user_name FROM plays ORDER BY id").await, ["1|ääää", "2|  ", "3|"]);
}

#[tokio::test]
async fn without_the_key_jsonpaths_names_decide() {
    let cluster = cluster_without_lint().await;
    cluster.put(&[("1.json", b"{\"id\": 1, \"userName\": \"x\", \"at\": 5}")]);
    cluster.s3.put("data", "paths.json", PATHS.replace("jsonpaths", "jsonPaths"));
    cluster.copied("").await;
    assert_eq!(cluster.rows("SELECT id, user_name, at FROM plays").await, ["1|-|5"]);
    let auto = copy("").replace("'s3://data/paths.json'", "'auto ignorecase'").replace("user_name", "id2");
    assert!(failure(&cluster.client, &auto).await.1.contains("column \"id2\" of relation \"plays\""));
    cluster.s3.put("data", "paths.json", "{\"jsonpaths\": [\"$.id\"]}");
    assert!(
        cluster.refused("").await.contains("JSONPath size: 1, Number of columns in table or column list: 4")
    );
}

#[tokio::test]
async fn a_file_listed_twice_is_loaded_twice_and_a_missing_one_counts_if_it_is_mandatory() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    let (here, gone) = ("s3://data/in/1.json".to_owned(), "s3://data/in/gone.json".to_owned());
    cluster.manifest(&[here.clone(), here.clone()], true);
    cluster.copied("").await;
    assert_eq!(cluster.count().await, "2");
    cluster.manifest(&[here.clone(), gone.clone()], true);
    let missing = cluster.refused("").await;
    assert!(missing.contains("Status 404,Error NoSuchKey") && missing.contains("in/gone.json"), "{missing}");
    assert_eq!(cluster.count().await, "2");
    cluster.manifest(&[here, gone], false);
    cluster.copied("").await;
    assert_eq!(cluster.count().await, "3");
}

#[tokio::test]
async fn without_a_manifest_all_keys_that_begin_so_are_loaded() {
    let cluster = cluster_without_lint().await;
    cluster.put(&[("a/1.json", b"{\"id\": 1}"), ("ab/2.json", b"{\"id\": 2}"), ("b/3.json", b"{\"id\": 3}")]);
    let prefix = |prefix: &str| copy_from(prefix, "").replace(" MANIFEST ", " ");
    run(&cluster.client, &prefix("s3://data/in/a")).await;
    assert_eq!(cluster.rows("SELECT id FROM plays ORDER BY id").await, ["1", "2"]);
    assert!(failure(&cluster.client, &prefix("s3://data/none/")).await.1.contains("does not exist"));
}

#[tokio::test]
async fn roles_buckets_and_rights_fail_in_the_words_of_redshift() {
    let cluster = cluster_with(|options| options.roles = Some(Vec::new())).await;
    cluster.s3.create_bucket_in("far", "eu-west-1");
    cluster.s3.put("far", "m.manifest", "{}");
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    assert!(cluster.refused("").await.contains(&format!("is not authorized to assume IAM Role {ROLE}")));
    cluster.double.set_roles(Some(vec![ROLE.to_owned()]));

    let wrong = failure(&cluster.client, &copy_from("s3://far/m.manifest", "")).await.1;
    assert!(wrong.contains("must be addressed using the specified endpoint"), "{wrong}");
    assert!(wrong.contains("Status 301,Error PermanentRedirect"), "{wrong}");
    let missing = failure(&cluster.client, &copy_from("s3://nowhere/m.manifest", "")).await.1;
    assert!(missing.contains("Status 404,Error NoSuchBucket"), "{missing}");
    let missing = failure(&cluster.client, &copy_from("s3://data/none.manifest", "")).await.1;
    assert!(missing.contains("Problem reading manifest file") && missing.contains("NoSuchKey"), "{missing}");

    cluster.double.deny("s3://data/m.manifest");
    let denied = cluster.refused("").await;
    assert!(
        denied.starts_with("COPY with MANIFEST parameter requires full path of an S3 object"),
        "{denied}"
    );
    cluster.double.allow_all();
    cluster.double.deny("s3://data/in/");
    let denied = cluster.refused("").await;
    assert!(denied.contains("S3ServiceException:Access Denied,Status 403,Error AccessDenied"), "{denied}");
    cluster.double.allow_all();

    assert_eq!(cluster.rows("SELECT COUNT(*) FROM sys_load_error_detail").await, ["0"]);
    cluster.copied("").await;
    assert_eq!(cluster.count().await, "1");
    let nowhere = copy("").replace("COPY plays", "COPY nowhere");
    assert_eq!(failure(&cluster.client, &nowhere).await.1, "Cannot COPY into nonexistent table nowhere");
}

#[tokio::test]
async fn the_id_of_the_last_copy_stays_after_a_failure_that_came_too_early_or_a_rollback() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    cluster.copied("").await;
    let first = cluster.rows("SELECT pg_last_copy_id()").await;
    cluster.refused("FASTER").await;
    cluster.double.set_roles(Some(Vec::new()));
    cluster.refused("").await;
    cluster.double.set_roles(None);
    assert_eq!(cluster.rows("SELECT pg_last_copy_id()").await, first);
    run(&cluster.client, "BEGIN").await;
    cluster.copied("").await;
    assert_ne!(cluster.rows("SELECT pg_last_copy_id()").await, first);
    assert_eq!(cluster.count().await, "2");
    run(&cluster.client, "ROLLBACK").await;
    assert_eq!(cluster.rows("SELECT pg_last_copy_id()").await, first);
    assert_eq!(cluster.count().await, "1");
    cluster.put(&[("1.json", b"{\"id\": \"x\"}")]);
    cluster.refused("").await;
    assert_ne!(cluster.rows("SELECT pg_last_copy_id()").await, first, "bad data is found while it loads");
    run(&cluster.client, "BEGIN").await;
    cluster.refused("").await;
    assert_eq!(failure(&cluster.client, "SELECT 1").await.0, "25P02");
    run(&cluster.client, "ROLLBACK").await;
}

#[tokio::test]
async fn a_busy_s3_and_broken_connections_are_tried_again() {
    let cluster = cluster().await;
    let text: String = (0..5000).map(|id| format!("{{\"id\": {id}, \"userName\": \"x\"}}\n")).collect();
    cluster.put(&[("1.json.gz", &gzip(text.as_bytes()))]);
    cluster.s3.inject(S3Fault::any(Effect::SlowDown).times(2));
    cluster.s3.inject(S3Fault::any(Effect::CutConnection).key("m.manifest"));
    cluster.s3.inject(S3Fault::any(Effect::CutBody(100)).key("in/1.json.gz").times(2));
    cluster.copied("GZIP").await;
    assert_eq!(cluster.count().await, "5000");
    cluster.s3.inject(S3Fault::any(Effect::SlowDown).key("in/1.json.gz").always());
    assert!(cluster.refused("GZIP").await.contains("Status 503,Error SlowDown"));
    assert_eq!(cluster.count().await, "5000");
}

#[tokio::test]
async fn a_copy_is_cancelled_and_loads_nothing() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    cluster.double.inject(Fault::before_any("copy", Action::Delay(std::time::Duration::from_secs(60))));
    let cancelling = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        cluster.client.cancel_token().cancel_query(crate::tls(&cluster.double.authority())).await.unwrap();
    };
    let statement = copy("");
    let ((code, _), ()) = tokio::join!(failure(&cluster.client, &statement), cancelling);
    assert_eq!(code, "57014");
    assert_eq!(cluster.count().await, "0");
}

#[tokio::test]
async fn a_copy_may_be_reported_as_failed_though_it_loaded() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    let error = ServerError::new("XX000", "Query aborted");
    cluster.double.inject(Fault::before_any("copy", Action::FailAfter(error)));
    assert_eq!(cluster.refused("").await, "Query aborted");
    assert_eq!(cluster.count().await, "1");
    cluster.double.inject(Fault::before_any("copy", Action::CloseAfter));
    let closed = failure(&cluster.client, &copy("")).await;
    assert_eq!(closed.0, "closed");
    let client = connect(&cluster.double).await;
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM plays").await, ["2"]);
    let sql = "SELECT COUNT(*), CAST(SUM(loaded_rows) AS BIGINT) FROM sys_load_history WHERE BTRIM(status) = 'completed'";
    assert_eq!(rows(&client, sql).await, ["2|2"], "the views know better");
}

#[tokio::test]
async fn noload_only_reads() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    cluster.copied("NOLOAD").await;
    assert_eq!(cluster.count().await, "0");
    cluster.put(&[("1.json", b"{\"id\": \"x\"}")]);
    cluster.refused("NOLOAD").await;
    assert!(cluster.error().await.contains("Invalid digit"));
}

#[tokio::test]
async fn what_is_not_compressed_as_said_is_not_loaded() {
    let cluster = cluster().await;
    cluster.put(&[("1.json", b"{\"id\": 1}")]);
    assert!(cluster.refused("GZIP").await.contains("zlib error code"));
    cluster.put(&[("1.json", &zstd::encode_all(&b"{\"id\": 7}"[..], 3).unwrap())]);
    cluster.copied("ZSTD").await;
    assert_eq!(cluster.rows("SELECT id FROM plays").await, ["7"]);
}

#[tokio::test]
async fn many_rows_of_many_files_are_streamed() {
    const FILES: u64 = 8;
    const ROWS: u64 = 25_000;
    let cluster = cluster().await;
    let names: Vec<_> = (0..FILES).map(|file| format!("{file}.json.gz")).collect();
    for (file, name) in (0_u64..).zip(&names) {
        let text: String = (0..ROWS)
            .map(|row| {
                let id = file * ROWS + row;
                format!(
                    "{{\"id\":{id},\"userName\":\"u{}\",\"length\":{row}.25,\"at\":1541105830796}}\n",
                    id % 97
                )
            })
            .collect();
        cluster.s3.put("data", &format!("in/{name}"), gzip(text.as_bytes()));
    }
    let urls: Vec<_> = names.iter().map(|name| format!("s3://data/in/{name}")).collect();
    cluster.manifest(&urls, true);
    cluster.copied("GZIP").await;
    let sql = "SELECT COUNT(*), COUNT(DISTINCT id), MAX(id), MIN(at) FROM plays";
    assert_eq!(cluster.rows(sql).await, ["200000|200000|199999|1541105830796"]);
}
