//! One COPY from its first check to its answer.

use std::{io, sync::Arc};

use tokio::{sync::mpsc, task};

use super::{
    aws::Aws,
    columns::{self, Table},
    convert::Rules,
    files::{self, Entry, Mapping},
    load::{Load, Piece, WAITING},
    parse::CopyStatement,
    progress::Progress,
    rows::Rows,
    s3::S3,
};
use crate::redshift::{
    backend::Transaction,
    error::ServerError,
    session::{Ran, Session},
};

/// Files are read by at most so many threads.
const MOST_THREADS: usize = 8;

/// Runs a COPY. Until it begins to load, `pg_last_copy_id()` keeps the one before.
pub(in crate::redshift) async fn run(session: &mut Session, statement: &CopyStatement, id: i64) -> Ran {
    let table = match columns::table(session, statement).await? {
        Ok(table) => table,
        Err(error) => return Ok(Err(error)),
    };
    let aws = Arc::clone(&session.shared.aws);
    let (entries, mapping) = match prepare(aws, statement.clone(), table.columns.len()).await? {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    let progress = Arc::new(Progress::new(statement, table.id, entries.len()));
    session.shared.history.loads(id, Arc::clone(&progress));
    let load = Load::new(
        Arc::clone(&session.shared.aws),
        entries,
        statement.compression,
        Rows::new(table.columns.clone(), Rules::of(statement), mapping, statement.accept_invalid),
        Arc::clone(&progress),
        statement.errors_allowed(),
    )
    .with_oddity(session.shared.options.oddity);
    let loaded = load_rows(session, statement, &table, Arc::new(load), id).await?;
    if session.backend.transaction != Transaction::Failed {
        let count = loaded.as_ref().copied().unwrap_or(0);
        remember(session, id, count).await?;
    }
    let count = match loaded {
        Ok(count) => count,
        Err(error) => return Ok(Err(error)),
    };
    let table = &statement.table_name;
    session.put_notice(&ServerError::info(format!(
        "Load into table '{table}' completed, {count} record(s) loaded successfully."
    )));
    let errors = progress.error_count();
    if errors > 0 {
        session.put_notice(&ServerError::info(format!(
            "Load into table '{table}' completed, {errors} record(s) could not be loaded.  \
             Check 'sys_load_error_detail' system table for details."
        )));
    }
    session.put_complete("COPY");
    Ok(Ok(()))
}

/// Everything that can fail before the first row.
async fn prepare(
    aws: Arc<Aws>,
    statement: CopyStatement,
    columns: usize,
) -> io::Result<Result<(Vec<Entry>, Mapping), ServerError>> {
    let prepared = task::spawn_blocking(move || {
        aws.check_role(statement.iam_role.as_deref())?;
        let mut s3 = S3::new(aws)?;
        let entries = files::entries(&mut s3, &statement)?;
        let mapping = files::mapping(&mut s3, &statement, columns)?;
        Ok((entries, mapping))
    });
    prepared.await.map_err(io::Error::other)
}

/// Loads all rows or none: how many.
async fn load_rows(
    session: &mut Session,
    statement: &CopyStatement,
    table: &Table,
    load: Arc<Load>,
    id: i64,
) -> io::Result<Result<u64, ServerError>> {
    if !statement.no_load
        && let Err(error) = begin(session, statement, table).await?
    {
        return Ok(Err(error.in_redshifts_words(id)));
    }
    let slices = usize::try_from(session.shared.options.slices).unwrap_or(1);
    let threads = (2 * slices).clamp(1, MOST_THREADS).min(load.entries.len());
    let (sender, mut pieces) = mpsc::channel(WAITING);
    for _ in 0..threads {
        let (load, sender) = (Arc::clone(&load), sender.clone());
        task::spawn_blocking(move || load.work(&sender));
    }
    drop(sender);
    let mut count = 0;
    let mut refused = false;
    let failure = loop {
        let piece = tokio::select! {
            piece = pieces.recv() => piece,
            () = session.cancel.wanted() => break Some(ServerError::cancelled(id)),
            frame = session.backend.next(), if !statement.no_load => {
                let frame = frame?;
                if frame.tag != b'E' {
                    continue;
                }
                // PostgreSQL has lost patience, or does not like the rows.
                refused = true;
                break Some(ServerError::parse(frame.body).in_redshifts_words(id));
            }
        };
        match piece {
            None => break None,
            Some(Piece::Rows { bytes, count: rows }) => {
                if !statement.no_load {
                    session.backend.send_rows(&bytes).await?;
                }
                count += rows;
            }
            Some(Piece::Failed(error)) => break Some(error),
            Some(Piece::TooManyErrors) => break Some(failed(&statement.table_name)),
        }
    };
    load.stop();
    drop(pieces);
    if statement.no_load {
        return Ok(failure.map_or(Ok(count), Err));
    }
    if !refused {
        session.backend.end_rows(failure.as_ref().map(|error| error.message.as_str())).await?;
    }
    let ended = session.backend.finish().await?;
    Ok(match (failure, ended) {
        (Some(failure), _) => Err(failure),
        (None, Some(error)) => Err(error.in_redshifts_words(id)),
        (None, None) => Ok(count),
    })
}

/// PostgreSQL waits for rows.
async fn begin(
    session: &mut Session,
    statement: &CopyStatement,
    table: &Table,
) -> io::Result<Result<(), ServerError>> {
    let columns: Vec<_> =
        table.columns.iter().map(|column| format!("\"{}\"", column.name.replace('"', "\"\""))).collect();
    let sql = format!("COPY {} ({}) FROM STDIN", statement.table, columns.join(", "));
    session.backend.send(&sql).await?;
    loop {
        let frame = session.backend.next().await?;
        match frame.tag {
            b'G' => return Ok(Ok(())),
            b'E' => {
                let error = ServerError::parse(frame.body);
                session.backend.finish().await?;
                return Ok(Err(error));
            }
            _ => {}
        }
    }
}

fn failed(table: &str) -> ServerError {
    let message =
        format!("Load into table '{table}' failed.  Check 'sys_load_error_detail' system table for details.");
    ServerError::new("XX000", message)
}

/// For `pg_last_copy_id()`; a rollback takes it back.
async fn remember(session: &mut Session, id: i64, count: u64) -> io::Result<()> {
    let sql = format!(
        "SELECT pg_catalog.set_config('redshift_double.last_copy_id', '{id}', false), \
             pg_catalog.set_config('redshift_double.last_copy_count', '{count}', false)"
    );
    let _ = session.backend.run(&sql).await?;
    Ok(())
}
