use proptest::prelude::*;

use super::*;

fn refusal(sql: &str) -> Option<Refusal> {
    check(sql).err()
}

fn other(word: &str) -> Option<Refusal> {
    Some(Refusal::OtherStatement(word.to_owned()))
}

#[test]
fn one_query_is_accepted_however_it_begins() {
    for sql in [
        "SELECT 1",
        "select 1;",
        " \n\t-- what?\n /* well */ SeLeCt 1 ; ; -- done",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "FROM users SELECT level",
        "VALUES (1), (2)",
        "TABLE users",
        "SHOW TABLES",
        "DESCRIBE users",
        "SUMMARIZE songplays",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN ANALYZE VERBOSE (SELECT 1)",
        "EXPLAIN (ANALYZE, FORMAT json) WITH t AS (SELECT 1) SELECT * FROM t",
        "EXPLAIN ((SELECT 1))",
        "WITH t AS (SELECT 1), u (a, b) AS NOT MATERIALIZED (VALUES (1, 2)) SELECT * FROM t, u",
        "WITH RECURSIVE t AS MATERIALIZED ((SELECT 1)) (SELECT * FROM t)",
        "WITH t AS (WITH u AS (SELECT 1) SELECT * FROM u) FROM t",
        "WITH RECURSIVE t (a) USING KEY (a) AS (SELECT 1) SELECT * FROM t",
        "WITH RECURSIVE t AS (SELECT 1) SEARCH DEPTH FIRST BY a, b SET c, u AS (SELECT 2) SELECT * FROM t",
        "SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) u",
    ] {
        assert_eq!(refusal(sql), None, "{sql}");
    }
}

#[test]
fn words_of_writing_statements_are_fine_as_names_and_within_quotes_and_comments() {
    for sql in [
        "SELECT set, load, update, call FROM copy",
        "SELECT delete FROM t",
        "SELECT MAX(update) FROM t WHERE (insert) > 0",
        "SELECT REPLACE(name, 'DROP TABLE', '') FROM artists",
        "SELECT title AS \"INSERT INTO\" FROM songs",
        "SELECT 'a; DROP TABLE users' AS text",
        "SELECT 'it''s; DELETE FROM users'",
        "SELECT \"a\"\"; DELETE FROM users\"",
        "SELECT $$; DELETE FROM users$$, $q$ $$; INTO $q$",
        "SELECT 1 -- ; DELETE FROM users",
        "SELECT 1 /* ; DELETE INTO users */",
        "SELECT $1, 'C:\\\\'",
        "WITH update AS (SELECT 1), values AS (SELECT 2) SELECT * FROM update",
        "SELECT SUM(plays) OVER w FROM t WINDOW w AS (ORDER BY day ROWS UNBOUNDED PRECEDING)",
        "SELECT CAST(ts AS TIMESTAMP WITH TIME ZONE) FROM staging_events",
    ] {
        assert_eq!(refusal(sql), None, "{sql}");
    }
}

#[test]
fn a_statement_that_is_no_query_is_refused_by_its_first_word() {
    for word in [
        "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "TRUNCATE", "COPY", "ATTACH",
        "DETACH", "INSTALL", "LOAD", "SET", "PRAGMA", "CALL", "GRANT", "REVOKE", "VACUUM", "UNLOAD", "BEGIN",
        "USE", "PREPARE", "DO",
    ] {
        assert_eq!(refusal(&format!("/* SELECT */ {word} something")), other(word));
        assert_eq!(refusal(&format!("({word} something)")), other(word));
        assert_eq!(refusal(&format!("EXPLAIN ANALYZE {word} something")), other(word));
        assert_eq!(refusal(&format!("EXPLAIN (ANALYZE, BUFFERS) {word} something")), other(word));
    }
    assert_eq!(refusal("\u{feff}SELECT 1"), other("\u{feff}SELECT"));
    assert_eq!(refusal("'SELECT' 1"), other("a quoted text"));
}

#[test]
fn nothing_to_ask_is_refused() {
    for sql in
        ["", "  ", ";", "-- SELECT 1", "/* SELECT 1 */", "((", "EXPLAIN", "WITH", "WITH t AS (SELECT 1)"]
    {
        assert_eq!(refusal(sql), Some(Refusal::Empty), "{sql}");
    }
}

#[test]
fn a_second_statement_is_refused_wherever_quotes_and_comments_end() {
    for sql in [
        "SELECT 1; DROP TABLE users",
        "SELECT 1;; SELECT 2",
        "SELECT ''; DROP TABLE users",
        "SELECT 'a''b'; DROP TABLE users --'",
        "SELECT \"\"\"\"; DROP TABLE users --\"",
        "SELECT 1 /* */; DROP TABLE users -- */",
        "SELECT 1 -- a comment\r; DROP TABLE users",
        "SELECT $$ $$; DROP TABLE users -- $$",
        "SELECT 1 AS a$$; DROP TABLE users -- $$",
        "SELECT $1; DROP TABLE users -- $1",
    ] {
        assert_eq!(refusal(sql), Some(Refusal::SeveralStatements), "{sql}");
    }
}

#[test]
fn a_with_clause_that_changes_data_is_refused() {
    assert_eq!(refusal("WITH t AS (DELETE FROM users RETURNING *) SELECT * FROM t"), other("DELETE"));
    assert_eq!(
        refusal(
            "WITH a AS (SELECT 1), t (x) AS NOT MATERIALIZED ((UPDATE users SET level = 'paid')) SELECT 1"
        ),
        other("UPDATE")
    );
    assert_eq!(refusal("WITH t AS (SELECT 1) DELETE FROM users"), other("DELETE"));
    assert_eq!(refusal("WITH values AS (SELECT 1) UPDATE users SET level = 'paid'"), other("UPDATE"));
    assert_eq!(
        refusal("WITH t AS (WITH u AS (SELECT 1) DELETE FROM users RETURNING *) SELECT * FROM t"),
        other("DELETE")
    );
    assert_eq!(refusal("SELECT * FROM (WITH t AS (DELETE FROM users) SELECT 1) u"), other("DELETE"));
    assert_eq!(
        refusal("WITH RECURSIVE t AS (SELECT 1) CYCLE a SET b USING c, u AS (DELETE FROM users) SELECT 1"),
        other("DELETE")
    );
    assert_eq!(
        refusal("WITH RECURSIVE t AS (SELECT 1) SEARCH DEPTH FIRST BY a, b SET values DELETE FROM users"),
        other("DELETE")
    );
    assert_eq!(
        refusal("EXPLAIN ANALYZE WITH t AS (SELECT 1) INSERT INTO users SELECT * FROM t"),
        other("INSERT")
    );
}

#[test]
fn a_query_that_writes_a_table_or_locks_rows_is_refused() {
    assert_eq!(refusal("SELECT * INTO copy_of_users FROM users"), Some(Refusal::Into));
    assert_eq!(refusal("SELECT 1.INTO t"), Some(Refusal::Into));
    assert_eq!(refusal("WITH t AS (SELECT 1) SELECT * INTO TEMP u FROM t"), Some(Refusal::Into));
    assert_eq!(refusal("SELECT * FROM users FOR UPDATE"), Some(Refusal::Lock));
    assert_eq!(refusal("SELECT * FROM users FOR NO KEY UPDATE"), Some(Refusal::Lock));
}

#[test]
fn what_is_not_closed_is_refused() {
    assert_eq!(refusal("SELECT 'a"), Some(Refusal::Open("a text")));
    assert_eq!(refusal("SELECT \"a"), Some(Refusal::Open("a quoted name")));
    assert_eq!(refusal("SELECT 1 /* a"), Some(Refusal::Open("a comment")));
    assert_eq!(refusal("SELECT $a$ b $$"), Some(Refusal::Open("a dollar-quoted text")));
    assert_eq!(refusal("WITH t AS (SELECT 1"), Some(Refusal::Open("a parenthesis")));
}

#[test]
fn what_engines_read_differently_is_refused() {
    // A second statement to Redshift, a text to DuckDB; and the other way round.
    assert_eq!(refusal(r"SELECT '\''; DROP TABLE users --'"), Some(Refusal::Ambiguous(token::BACKSLASH)));
    assert_eq!(refusal(r"SELECT '\', '; DROP TABLE users --'"), Some(Refusal::Ambiguous(token::BACKSLASH)));
    for sql in ["SELECT 1 /* /* */ ' */; DROP TABLE users --'", "SELECT\u{a0}1", "SELECT 1\0"] {
        assert!(matches!(refusal(sql), Some(Refusal::Ambiguous(_))), "{sql}");
    }
    assert_eq!(refusal("SELECT 'a\u{a0}b'"), None);
}

#[test]
fn the_message_says_what_is_allowed_and_what_is_wrong() {
    let error = ensure_read_only("DROP TABLE users").unwrap_err();
    assert_eq!(
        error.to_string(),
        "only one query is possible here, beginning with SELECT, WITH, FROM, VALUES, TABLE, EXPLAIN, SHOW, \
         DESCRIBE, SUMMARIZE: there is a statement that begins with \"DROP\""
    );
    let error = ensure_read_only(r"SELECT '\'").unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("write a quote within a text as two quotes: ''"));
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 1_000;
    let nested = |open: &str, close: &str| format!("{}SELECT 1{}", open.repeat(depth), close.repeat(depth));
    assert_eq!(refusal(&nested("WITH t AS (", ") SELECT 1")), None);
    assert_eq!(refusal(&nested("WITH t AS (", "")), Some(Refusal::Open("a parenthesis")));
    assert_eq!(refusal(&nested("SELECT (", ")")), None);
    assert_eq!(refusal(&nested("EXPLAIN (", ")")), None);
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(sql in any::<String>(), pieces in prop::collection::vec(
        prop::sample::select(vec!["'", "\"", "$$", "$a$", "--", "/*", "*/", "\n", ";", "(", ")", "\\", "AS",
            "WITH", "SELECT", "EXPLAIN", "SEARCH", ",", "é", " "]), 0..40)) {
        let _ = check(&sql);
        let _ = check(&pieces.concat());
    }

    #[test]
    fn a_quoted_text_hides_everything_and_ends_at_its_end(text in "[^\\\\\0]*") {
        let text = text.replace('\'', "''");
        prop_assert_eq!(check(&format!("SELECT '{text}'")), Ok(()));
        prop_assert_eq!(check(&format!("SELECT '{text}'; DROP TABLE t")), Err(Refusal::SeveralStatements));
    }

    #[test]
    fn a_comment_hides_everything_and_ends_at_its_end(text in "[^/\r\n\0]*") {
        for comment in [format!("--{text}\n"), format!("/*{text}*/")] {
            prop_assert_eq!(check(&format!("{comment}SELECT{comment}1{comment}")), Ok(()));
            prop_assert_eq!(
                check(&format!("SELECT 1{comment};{comment}DROP TABLE t")),
                Err(Refusal::SeveralStatements)
            );
        }
    }
}
