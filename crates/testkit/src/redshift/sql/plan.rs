//! What is to be done for a statement.

use super::{
    ddl::{self, Alteration},
    expressions,
    settings::{Setting, check_setting},
    token::{Edits, Kind, Token, tokens},
};
use crate::redshift::{copy::CopyStatement, error::ServerError};

type Result<T> = std::result::Result<T, ServerError>;

/// What is to be done for a statement.
#[derive(Debug)]
pub(in crate::redshift) enum Plan {
    /// PostgreSQL runs this text.
    Forward(String),
    /// Cancels what another session does.
    Cancel {
        /// The session.
        pid: i32,
        /// What PostgreSQL runs if there is none.
        sql: String,
    },
    /// The same, refused within a transaction.
    OutsideTransaction {
        /// The text.
        sql: String,
        /// The statement in the words of the refusal.
        what: &'static str,
    },
    /// `BEGIN`.
    Begin(String),
    /// `COMMIT` or `ROLLBACK`.
    End(String),
    /// `LOCK`.
    Lock(String),
    /// Ends the open transaction first.
    Truncate(String),
    /// Loads from S3.
    Copy(Box<CopyStatement>),
    /// A parameter that only Redshift has.
    Remember { name: String, value: String },
    /// `SHOW`.
    Show { name: String, setting: Setting },
}

/// What is to be done for one statement; an error for one that Redshift does not take.
pub(in crate::redshift) fn plan(sql: &str) -> Result<Plan> {
    let tokens = tokens(sql).map_err(ServerError::syntax)?;
    let word = |index: usize| {
        tokens.get(index).filter(|token| token.kind == Kind::Word).map_or("", |token| token.value.as_str())
    };
    match (word(0), word(1)) {
        ("copy", _) => CopyStatement::parse(&tokens).map(Box::new).map(Plan::Copy),
        ("begin", _) | ("start", "transaction") => begin(&tokens),
        ("rollback" | "abort", "to") => Err(unsupported("ROLLBACK TO SAVEPOINT")),
        ("rollback", "work" | "transaction") if word(2) == "to" => Err(unsupported("ROLLBACK TO SAVEPOINT")),
        ("commit" | "end", _) => Ok(Plan::End("COMMIT".to_owned())),
        ("rollback" | "abort", _) => Ok(Plan::End("ROLLBACK".to_owned())),
        ("savepoint", _) => Err(unsupported("SAVEPOINT")),
        ("release", _) => Err(unsupported("RELEASE SAVEPOINT")),
        ("listen" | "notify", _) => Err(unsupported(&word(0).to_uppercase())),
        ("unlisten", _) => Err(unsupported(&format!("UNLISTEN {}", operand(&tokens)))),
        ("discard" | "do" | "checkpoint" | "load" | "cluster" | "reindex", _) => {
            Err(ServerError::syntax_at(&written(sql, &tokens[0])))
        }
        ("set", _) => set(sql, &tokens),
        ("reset", _) => reset(&tokens),
        ("show", _) => show(&tokens),
        ("lock", _) => lock(sql, &tokens),
        ("truncate", _) => Ok(Plan::Truncate(rewritten(sql, &tokens, Edits::default()))),
        ("vacuum", _) => Ok(vacuum(&tokens)),
        ("analyze" | "analyse", _) => analyze(sql, &tokens),
        ("cancel", _) => cancel(&tokens),
        ("create" | "drop", "database") => Err(not_done("databases")),
        ("create", _) => create(sql, &tokens),
        ("alter", "table") => alter(sql, &tokens),
        _ => forward(sql, &tokens),
    }
}

fn unsupported(what: &str) -> ServerError {
    ServerError::new("0A000", format!("SQL command \"{what}\" not supported."))
}

fn not_done(what: &str) -> ServerError {
    ServerError::new("0A000", format!("the double does not do {what}"))
}

fn operand(tokens: &[Token]) -> String {
    tokens.get(1).map(|token| token.value.clone()).unwrap_or_default()
}

fn written(sql: &str, token: &Token) -> String {
    sql[token.range.clone()].to_owned()
}

fn rewritten(sql: &str, tokens: &[Token], mut edits: Edits) -> String {
    expressions::rewrite(tokens, &mut edits);
    edits.apply(sql)
}

fn forward(sql: &str, tokens: &[Token]) -> Result<Plan> {
    let refused = |token: &&Token| {
        token.kind == Kind::Word
            && (token.value.starts_with("pg_advisory") || token.value.starts_with("pg_try_advisory"))
    };
    if let Some(function) = tokens.iter().find(refused) {
        let message = format!("function {}(integer) does not exist", function.value);
        return Err(ServerError::new("42883", message));
    }
    let rewritten = rewritten(sql, tokens, Edits::default());
    Ok(match expressions::cancelled_session(tokens) {
        Some(pid) => Plan::Cancel { pid, sql: rewritten },
        None => Plan::Forward(rewritten),
    })
}

/// All isolation levels come to the same, that of the database.
fn begin(tokens: &[Token]) -> Result<Plan> {
    if let Some(word) = tokens.iter().find(|token| token.is("deferrable")) {
        return Err(ServerError::syntax_at(&word.value));
    }
    let read_only = tokens.windows(2).any(|pair| pair[0].is("read") && pair[1].is("only"));
    Ok(Plan::Begin(if read_only { "BEGIN READ ONLY" } else { "BEGIN" }.to_owned()))
}

fn set(sql: &str, tokens: &[Token]) -> Result<Plan> {
    let mut at = 1;
    if tokens.get(at).is_some_and(|token| token.is("session") || token.is("local"))
        && !tokens.get(at + 1).is_some_and(|token| token.is("to") || token.is("="))
    {
        at += 1;
    }
    let name = tokens.get(at).ok_or_else(|| ServerError::syntax("syntax error at end of input"))?;
    if name.is("transaction") || name.is("characteristics") || name.is("authorization") {
        return Ok(Plan::Forward(sql.to_owned()));
    }
    let next = tokens.get(at + 1);
    let value_at = match next {
        Some(token) if token.is("to") || token.is("=") => at + 2,
        Some(token) if name.is("time") && token.is("zone") => {
            return Ok(Plan::Forward(sql.to_owned()));
        }
        Some(token) if name.is("seed") => return Err(ServerError::syntax_at(&token.value)),
        Some(token) => return Err(ServerError::syntax_at(&token.value)),
        None => return Err(ServerError::syntax("syntax error at end of input")),
    };
    let value: Vec<_> =
        tokens[value_at.min(tokens.len())..].iter().map(|token| token.value.as_str()).collect();
    let value = value.concat();
    match check_setting(&name.value, Some(&value))? {
        Setting::Postgres => Ok(Plan::Forward(sql.to_owned())),
        Setting::Remembered => Ok(Plan::Remember { name: name.value.clone(), value }),
    }
}

fn reset(tokens: &[Token]) -> Result<Plan> {
    let name = operand(tokens);
    if name == "all" {
        return Ok(Plan::Forward("RESET ALL".to_owned()));
    }
    match check_setting(&name, None)? {
        Setting::Postgres => Ok(Plan::Forward(format!("RESET {name}"))),
        Setting::Remembered => Ok(Plan::Remember { name, value: "default".to_owned() }),
    }
}

fn show(tokens: &[Token]) -> Result<Plan> {
    let name = operand(tokens);
    let readable = ["server_version", "server_encoding", "transaction_isolation", "is_superuser"];
    let setting =
        if readable.contains(&name.as_str()) { Setting::Postgres } else { check_setting(&name, None)? };
    Ok(Plan::Show { name, setting })
}

/// `LOCK [TABLE] a, b`: always access exclusive, without further words.
fn lock(sql: &str, tokens: &[Token]) -> Result<Plan> {
    let further = ["in", "nowait", "only"];
    if let Some(word) = tokens.iter().find(|token| further.iter().any(|word| token.is(word))) {
        return Err(ServerError::syntax_at(&word.value));
    }
    Ok(Plan::Lock(rewritten(sql, tokens, Edits::default())))
}

fn vacuum(tokens: &[Token]) -> Plan {
    // VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [[t] [TO n PERCENT] [BOOST]]
    let options = ["full", "sort", "delete", "only", "reindex", "recluster"];
    let table: String = tokens[1..]
        .iter()
        .skip_while(|token| options.iter().any(|option| token.is(option)))
        .take_while(|token| !token.is("to") && !token.is("boost"))
        .map(
            |token| {
                if token.is(".") { ".".to_owned() } else { format!("\"{}\"", token.value.to_lowercase()) }
            },
        )
        .collect();
    Plan::OutsideTransaction { sql: format!("VACUUM {table}"), what: "VACUUM" }
}

fn analyze(sql: &str, tokens: &[Token]) -> Result<Plan> {
    if tokens.get(1).is_some_and(|token| token.is("compression")) {
        return Err(not_done("ANALYZE COMPRESSION"));
    }
    let mut edits = Edits::default();
    if let [.., kind, columns] = tokens
        && columns.is("columns")
        && (kind.is("predicate") || kind.is("all"))
    {
        edits.replace(kind.range.start..columns.range.end, "");
    }
    Ok(Plan::Forward(rewritten(sql, tokens, edits)))
}

fn cancel(tokens: &[Token]) -> Result<Plan> {
    let pid: i32 = operand(tokens).parse().map_err(|_| ServerError::syntax_at(&operand(tokens)))?;
    Ok(Plan::Cancel { pid, sql: format!("SELECT pg_catalog.pg_cancel_backend({pid})") })
}

fn create(sql: &str, tokens: &[Token]) -> Result<Plan> {
    let modifiers = ["local", "temp", "temporary"];
    let at = 1 + tokens[1..].iter().take_while(|token| modifiers.iter().any(|word| token.is(word))).count();
    let Some(object) = tokens.get(at) else { return forward(sql, tokens) };
    let unknown =
        ["index", "unique", "sequence", "trigger", "rule", "type", "domain", "extension", "unlogged"];
    if unknown.iter().any(|word| object.is(word)) {
        return Err(unsupported(&format!("CREATE {}", object.value.to_uppercase())));
    }
    let mut edits = Edits::default();
    if object.is("table") {
        ddl::create_table(tokens, at + 1, &mut edits)?;
    }
    Ok(Plan::Forward(rewritten(sql, tokens, edits)))
}

fn alter(sql: &str, tokens: &[Token]) -> Result<Plan> {
    let mut edits = Edits::default();
    Ok(match ddl::alter_table(tokens, 2, &mut edits)? {
        Alteration::Forward => Plan::Forward(rewritten(sql, tokens, edits)),
        Alteration::OutsideTransaction => {
            Plan::OutsideTransaction { sql: rewritten(sql, tokens, edits), what: "ALTER TABLE ALTER COLUMN" }
        }
        // PostgreSQL's default anyway: it only looks the table up.
        Alteration::OnlyChecked { table } => {
            Plan::Forward(format!("ALTER TABLE {} REPLICA IDENTITY DEFAULT", &sql[table]))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(sql: &str) -> String {
        match plan(sql).unwrap() {
            Plan::Forward(sql)
            | Plan::Cancel { sql, .. }
            | Plan::OutsideTransaction { sql, .. }
            | Plan::Begin(sql)
            | Plan::End(sql)
            | Plan::Truncate(sql) => sql,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn maintenance_and_transactions_become_postgresqls() {
        for (sql, expected) in [
            ("BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE", "BEGIN"),
            ("START TRANSACTION", "BEGIN"),
            ("END TRANSACTION", "COMMIT"),
            ("ABORT", "ROLLBACK"),
            ("VACUUM DELETE ONLY s.t TO 75 PERCENT", "VACUUM \"s\".\"t\""),
            ("VACUUM", "VACUUM "),
            ("ANALYZE t PREDICATE COLUMNS", "ANALYZE t "),
            ("CANCEL 12", "SELECT pg_catalog.pg_cancel_backend(12)"),
            ("ALTER TABLE s.t ADD PRIMARY KEY (a)", "ALTER TABLE s.t REPLICA IDENTITY DEFAULT"),
            ("ALTER TABLE t ALTER SORTKEY (a)", "ALTER TABLE t REPLICA IDENTITY DEFAULT"),
            ("ALTER TABLE t ADD COLUMN a INT ENCODE raw", "ALTER TABLE t ADD COLUMN a INT "),
        ] {
            assert_eq!(forwarded(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_redshift_does_not_take_is_refused() {
        for (sql, code) in [
            ("SAVEPOINT a", "0A000"),
            ("ROLLBACK TO SAVEPOINT a", "0A000"),
            ("ROLLBACK TRANSACTION TO a", "0A000"),
            ("LISTEN x", "0A000"),
            ("UNLISTEN *", "0A000"),
            ("DISCARD ALL", "42601"),
            ("DO $$ BEGIN END $$", "42601"),
            ("BEGIN DEFERRABLE", "42601"),
            ("SELECT pg_advisory_lock(1)", "42883"),
            ("SELECT pg_try_advisory_lock(1)", "42883"),
            ("SET lock_timeout = 5", "42704"),
            ("SET extra_float_digits TO 3", "22023"),
            ("SHOW server_version_num", "42704"),
            ("LOCK TABLE t IN SHARE MODE", "42601"),
            ("CREATE UNIQUE INDEX i ON t (a)", "0A000"),
            ("ALTER TABLE t ADD COLUMN a INT, ADD COLUMN b INT", "42601"),
            ("SELECT 'a", "42601"),
        ] {
            assert_eq!(plan(sql).unwrap_err().code, code, "{sql}");
        }
    }
}
