//! MERGE and COPY.

use super::{COPY, Case, MERGE, changed, other};

pub(super) fn merges() -> Vec<Case> {
    let insert = "WHEN NOT MATCHED THEN INSERT (id, user_id, level) VALUES (b.id, b.user_id, b.level)";
    let update = "WHEN MATCHED THEN UPDATE SET level = b.level, gender = b.gender";
    vec![
        changed(
            "with_in_merge",
            MERGE,
            &[
                ("MERGE", "WITH x AS (SELECT 1) MERGE"),
                ("sparkify_run_chosen_users b", "(WITH x AS (SELECT 1 AS user_id) SELECT user_id FROM x) b"),
            ],
            &[(
                "sparkify_run_chosen_users b",
                "(SELECT id, user_id, level, gender FROM sparkify_run_chosen_users) b",
            )],
        ),
        changed(
            "merge_target_alias",
            MERGE,
            &[("INTO users", "INTO users u"), ("INTO users", "INTO users AS u")],
            &[("sparkify_run_chosen_users b", "sparkify_run_chosen_users AS b")],
        ),
        changed(
            "merge_source_is_target",
            MERGE,
            &[
                ("sparkify_run_chosen_users b", "users b"),
                (
                    "sparkify_run_chosen_users b",
                    "(SELECT n.id FROM sparkify_run_chosen_users n JOIN users o ON n.id = o.id) b",
                ),
            ],
            &[("sparkify_run_chosen_users b", "sparkify_run_chosen_users")],
        ),
        changed(
            "merge_condition",
            MERGE,
            &[
                ("ON users.user_id = b.user_id", "ON users.user_id > b.user_id"),
                ("ON users.user_id = b.user_id", "ON users.user_id = b.user_id OR users.id = b.id"),
                ("WHEN MATCHED THEN", "WHEN MATCHED AND b.level = 'paid' THEN"),
                ("NOT MATCHED THEN", "NOT MATCHED AND b.id > 0 THEN"),
            ],
            &[("ON users.user_id = b.user_id", "ON (users.user_id = b.user_id AND users.id = b.id)")],
        ),
        changed(
            "merge_branches",
            MERGE,
            &[
                (insert, ""),
                (update, ""),
                (update, insert),
                ("NOT MATCHED THEN", "NOT MATCHED BY TARGET THEN"),
                (insert, &format!("{insert} {insert}")),
            ],
            &[(
                "WHEN MATCHED THEN UPDATE SET level = b.level, gender = b.gender",
                "WHEN MATCHED THEN DELETE",
            )],
        ),
        changed(
            "merge_action",
            MERGE,
            &[
                ("THEN UPDATE SET level = b.level, gender = b.gender", "THEN DO NOTHING"),
                ("VALUES (b.id, b.user_id, b.level)", "VALUES (b.id, b.user_id, b.level), (1, 2, 'x')"),
                ("THEN INSERT (id, user_id, level) VALUES (b.id, b.user_id, b.level)", "THEN INSERT *"),
            ],
            &[("(id, user_id, level) VALUES", "VALUES")],
        ),
        changed(
            "merge_set_prefix",
            MERGE,
            &[("SET level", "SET users.level"), ("(id, user_id", "(users.id, user_id")],
            &[("b.level, gender", "COALESCE(b.level, 'x'), gender")],
        ),
    ]
}

pub(super) fn copies() -> Vec<Case> {
    let json = "FORMAT AS JSON 's3://b/run/songs.jsonpaths'";
    let without_manifest = other(COPY, "MANIFEST ", "");
    let auto = other(COPY, "'s3://b/run/songs.jsonpaths'", "'auto'");
    let parquet = other(
        &other(COPY, json, "PARQUET"),
        "GZIP COMPUPDATE OFF STATUPDATE OFF MAXERROR 0",
        "STATUPDATE OFF",
    );
    vec![
        changed(
            "copy_syntax",
            COPY,
            &[("MANIFEST", "MANIFESTO"), ("'us-west-2'", "west"), ("FROM", "TO")],
            &[("FORMAT AS JSON", "JSON"), ("REGION", "REGION AS")],
        ),
        changed(
            "copy_source",
            COPY,
            &[("s3://b/run/songs.manifest", "dynamodb://songs"), ("s3://b/run/songs.manifest", "s3://b")],
            &[("s3://b/run/songs.manifest", "s3://b/m")],
        ),
        changed(
            "copy_repeated_option",
            COPY,
            &[("MAXERROR 0", "MAXERROR 0 MAXERROR 0")],
            &[("MAXERROR 0", "MAXERROR 0 NOLOAD")],
        ),
        changed(
            "copy_exclusive_options",
            COPY,
            &[
                ("GZIP", "GZIP ZSTD"),
                (json, "CSV FIXEDWIDTH 'a:1'"),
                (json, "QUOTE '\"'"),
                (json, "CSV ESCAPE"),
            ],
            &[("GZIP", "ZSTD"), (json, "CSV QUOTE '\"'"), (json, "CSV DELIMITER ';'")],
        ),
        changed(
            "copy_credentials",
            COPY,
            &[("IAM_ROLE 'arn:aws:iam::123456789012:role/loader'", "CREDENTIALS 'aws_access_key_id=a'")],
            &[("IAM_ROLE 'arn:aws:iam::123456789012:role/loader'", "IAM_ROLE default")],
        ),
        changed(
            "copy_iam_role",
            COPY,
            &[
                ("IAM_ROLE 'arn:aws:iam::123456789012:role/loader'", ""),
                ("123456789012", "1234"),
                ("role/loader", "user/loader"),
                ("IAM_ROLE 'arn:aws:iam::123456789012:role/loader'", "IAM_ROLE 'default'"),
            ],
            &[
                ("arn:aws:iam", "arn:aws-cn:iam"),
                ("role/loader'", "role/one,arn:aws:iam::123456789012:role/two'"),
            ],
        ),
        changed("copy_region", COPY, &[("REGION 'us-west-2'", "")], &[("us-west-2", "ap-southeast-1")]),
        Case {
            rule: "copy_manifest",
            bites: vec![other(&without_manifest, "songs.manifest", "songs/")],
            passes: vec![COPY.to_owned()],
        },
        Case {
            rule: "copy_prefix",
            bites: vec![other(
                &other(&without_manifest, "songs.manifest", "songs"),
                "songs.jsonpaths",
                "paths",
            )],
            passes: vec![COPY.to_owned()],
        },
        changed(
            "copy_manifest_key",
            COPY,
            &[("songs.manifest", "manifests/")],
            &[("songs.manifest", "manifests/songs")],
        ),
        changed(
            "copy_max_error",
            COPY,
            &[("MAXERROR 0", ""), ("MAXERROR 0", "MAXERROR 10")],
            &[("MAXERROR 0", "MAXERROR AS 0")],
        ),
        changed(
            "copy_compression_update",
            COPY,
            &[
                ("COMPUPDATE OFF", ""),
                ("COMPUPDATE OFF", "COMPUPDATE PRESET"),
                ("COMPUPDATE OFF", "COMPUPDATE"),
            ],
            &[("COMPUPDATE OFF", "COMPUPDATE FALSE")],
        ),
        changed(
            "copy_statistics_update",
            COPY,
            &[("STATUPDATE OFF", ""), ("STATUPDATE OFF", "STATUPDATE ON")],
            &[("STATUPDATE OFF", "STATUPDATE FALSE")],
        ),
        changed(
            "copy_json_option",
            COPY,
            &[
                ("MAXERROR 0", "MAXERROR 0 NULL AS 'x'"),
                ("MAXERROR 0", "MAXERROR 0 REMOVEQUOTES"),
                ("MAXERROR 0", "MAXERROR 0 IGNOREBLANKLINES"),
                ("MAXERROR 0", "MAXERROR 0 READRATIO 5"),
            ],
            &[("MAXERROR 0", "MAXERROR 0 BLANKSASNULL EMPTYASNULL"), (json, "CSV NULL AS 'x'")],
        ),
        changed(
            "copy_json_auto",
            COPY,
            &[("'s3://b/run/songs.jsonpaths'", "'auto ignorecase'")],
            &[("'s3://b/run/songs.jsonpaths'", "'auto'"), ("'s3://b/run/songs.jsonpaths'", "'noshred'")],
        ),
        Case {
            rule: "copy_json_auto",
            bites: vec![
                other(&auto, "sparkify_run_songs (song_id, title)", "sparkify_run_events"),
                other(&auto, "sparkify_run_songs (song_id, title)", "staging_events (ts, user_id)"),
            ],
            passes: vec![
                auto.clone(),
                other(&auto, "sparkify_run_songs (song_id, title)", "sparkify_run_events (ts, level)"),
            ],
        },
        changed(
            "copy_json_paths",
            COPY,
            &[
                ("songs.jsonpaths", "paths/"),
                ("songs.jsonpaths", "songs.manifest"),
                ("'s3://b/run/songs.jsonpaths'", "'https://b/songs.jsonpaths'"),
            ],
            &[("songs.jsonpaths", "paths/songs")],
        ),
        changed("copy_columns", COPY, &[(" (song_id, title)", "")], &[(" (song_id, title)", " (title)")]),
        Case {
            rule: "copy_columnar_option",
            bites: vec![parquet.clone(), other(&parquet, "REGION 'us-west-2'", "GZIP")],
            passes: vec![other(&parquet, "REGION 'us-west-2' ", "")],
        },
        changed(
            "copy_option_value",
            COPY,
            &[
                ("us-west-2", "west"),
                ("MAXERROR 0", "MAXERROR 0 TIMEFORMAT 'EpochMillisecs'"),
                ("MAXERROR 0", "MAXERROR 0 COMPROWS 5"),
                ("MAXERROR 0", "MAXERROR 0 ENCODING latin1"),
                ("MAXERROR 0", "MAXERROR 0 DATEFORMAT 'epochsecs'"),
            ],
            &[
                ("MAXERROR 0", "MAXERROR 0 TIMEFORMAT 'epochmillisecs'"),
                ("MAXERROR 0", "MAXERROR 0 ENCODING UTF8"),
                ("MAXERROR 0", "MAXERROR 0 DATEFORMAT 'YYYY-MM-DD'"),
            ],
        ),
        changed(
            "copy_hides_loss",
            COPY,
            &[
                ("MAXERROR 0", "MAXERROR 0 TRUNCATECOLUMNS"),
                ("MAXERROR 0", "MAXERROR 0 ACCEPTINVCHARS AS '?'"),
                ("MAXERROR 0", "MAXERROR 0 ACCEPTANYDATE"),
            ],
            &[("MAXERROR 0", "MAXERROR 0 ROUNDEC TRIMBLANKS")],
        ),
        changed(
            "copy_job",
            COPY,
            &[("MAXERROR 0", "MAXERROR 0 JOB CREATE j AUTO ON")],
            &[("song_id", "job")],
        ),
    ]
}
