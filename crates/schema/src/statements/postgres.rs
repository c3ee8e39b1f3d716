//! What the PostgreSQL backend says on its own behalf: about the lock of a load, and statistics.

/// The lock of a load is an advisory lock with this class ("SPRK") and the schema as its object.
const LOCK_KEY: &str = "1397772875, hashtext(COALESCE(current_schema(), ''))";

/// Keeps other loads away until the end of the session, if none is under way.
#[must_use]
pub fn lock_load() -> String {
    format!("SELECT pg_try_advisory_lock({LOCK_KEY})")
}

/// Keeps loads away until the end of the transaction, if none is under way.
#[must_use]
pub fn lock_load_in_transaction() -> String {
    format!("SELECT pg_try_advisory_xact_lock({LOCK_KEY})")
}

/// Lets the next load begin.
#[must_use]
pub fn unlock_load() -> String {
    format!("SELECT pg_advisory_unlock({LOCK_KEY})")
}

/// The session that holds the lock of a load.
#[must_use]
pub fn lock_holder() -> String {
    "SELECT l.pid, a.application_name FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = 1397772875 \
     AND l.objid = CAST(hashtext(COALESCE(current_schema(), '')) AS oid) \
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
     LIMIT 1"
        .to_owned()
}

/// Tells the planner about the rows of a table that was just written. The name is quoted already.
#[must_use]
pub fn analyze(table: &str) -> String {
    format!("ANALYZE {table}")
}
