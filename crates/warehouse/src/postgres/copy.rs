//! Bulk append: binary COPY over several connections at once.
//!
//! Each writer pulls a batch, turns it into the binary format on a thread for blocking work, and hands it
//! to its connection, which takes the next only when it has room. All writers commit after all have
//! written, so an error leaves no row behind.

use std::sync::Arc;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{
        Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt, stream::FuturesUnordered};
use tokio_postgres::{CopyInSink, types::Type};

use super::{
    pool::{Connection, Connections},
    records::{EPOCH_DAYS, EPOCH_MICROSECONDS},
};
use crate::{BatchSource, BoxError, Error, Result, wire::Entry};

/// How much goes into one COPY. The server tells of an error only at the end of one, so this bounds how
/// much is sent in vain.
const COPY_BYTES: usize = 32 << 20;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &[0xff, 0xff];

/// A table to append to.
pub(super) struct Target {
    sql: String,
    columns: Vec<(String, Type)>,
}

impl Target {
    /// Asks the server for the table's columns. The name is quoted already.
    pub(super) async fn find(connection: &Connection, table: &str, schema: &SchemaRef) -> Result<Self> {
        let sql = format!("SELECT * FROM {table}");
        let statement = connection.run(&sql, async |client, _| Ok(client.prepare(&sql).await?)).await?;
        let columns: Vec<_> = statement
            .columns()
            .iter()
            .map(|column| (column.name().to_owned(), column.type_().clone()))
            .collect();
        if columns.len() != schema.fields().len() {
            return Err(Error::Internal(format!(
                "{table} has {} columns, and {} are to be written",
                columns.len(),
                schema.fields().len()
            )));
        }
        for (field, (name, target)) in schema.fields().iter().zip(&columns) {
            if !suits(field.data_type(), target) {
                return Err(Error::Internal(format!(
                    "{table}.{name} is {target}, and {} is to be written",
                    field.data_type()
                )));
            }
        }
        Ok(Self { sql: format!("COPY {table} FROM STDIN (FORMAT binary)"), columns })
    }
}

fn suits(from: &DataType, to: &Type) -> bool {
    match from {
        DataType::Utf8 => [Type::TEXT, Type::VARCHAR, Type::BPCHAR].contains(to),
        DataType::Int32 | DataType::Int64 => [Type::INT2, Type::INT4, Type::INT8, Type::FLOAT8].contains(to),
        DataType::Float32 | DataType::Float64 => [Type::FLOAT4, Type::FLOAT8].contains(to),
        DataType::Boolean => *to == Type::BOOL,
        DataType::Date32 => *to == Type::DATE,
        DataType::Timestamp(..) => [Type::TIMESTAMP, Type::TIMESTAMPTZ].contains(to),
        _ => false,
    }
}

/// Appends over several connections of the pool.
pub(super) async fn append_parallel(
    connections: &Connections,
    writers: usize,
    target: Target,
    source: Arc<dyn BatchSource>,
) -> Result<u64> {
    let target = Arc::new(target);
    let workers: FuturesUnordered<_> = (0..writers.max(1))
        .map(|_| write_on_own_connection(connections, Arc::clone(&target), Arc::clone(&source)))
        .collect();
    // The first error drops the other writers, and with them their connections.
    let written: Vec<_> = workers.try_collect().await?;
    let mut rows = 0;
    for Writer { connection, rows: more } in written.into_iter().flatten() {
        connection.control("COMMIT").await?;
        connection.release();
        rows += more;
    }
    Ok(rows)
}

/// What a writer wrote, in a transaction that is open still.
struct Writer {
    connection: Connection,
    rows: u64,
}

/// `None` if there was nothing to write.
async fn write_on_own_connection(
    connections: &Connections,
    target: Arc<Target>,
    source: Arc<dyn BatchSource>,
) -> Result<Option<Writer>> {
    // A small source has nothing for most writers; these need no connection.
    let Some(first) = next(&source, &target).await? else { return Ok(None) };
    let connection = connections.get().await?;
    connection.hold();
    connection.control("BEGIN").await?;
    let rows = write(&connection, Some(first), &target, &source).await?;
    Ok(Some(Writer { connection, rows }))
}

/// Appends on one connection, within whatever transaction it has.
pub(super) async fn append_on(
    connection: &Connection,
    target: Target,
    source: Arc<dyn BatchSource>,
) -> Result<u64> {
    let target = Arc::new(target);
    let first = next(&source, &target).await?;
    write(connection, first, &target, &source).await
}

async fn write(
    connection: &Connection,
    first: Option<Bytes>,
    target: &Arc<Target>,
    source: &Arc<dyn BatchSource>,
) -> Result<u64> {
    let Some(first) = first else { return Ok(0) };
    let work = async |client: &tokio_postgres::Client, entry: &Entry| {
        let statement = client.prepare(&target.sql).await?;
        let mut rows = 0;
        let mut pending = Some(first);
        while let Some(mut part) = pending.take() {
            let sink: CopyInSink<Bytes> = client.copy_in(&statement).await?;
            let mut sink = Box::pin(sink);
            sink.send(Bytes::from_static(HEADER)).await?;
            let mut size = 0;
            loop {
                size += part.len();
                sink.send(part).await?;
                if entry.is_interrupted() {
                    return Err(Error::Interrupted.into());
                }
                pending = next(source, target).await?;
                match pending.take() {
                    Some(more) if size < COPY_BYTES => part = more,
                    rest => {
                        pending = rest;
                        break;
                    }
                }
            }
            sink.send(Bytes::from_static(TRAILER)).await?;
            rows += sink.as_mut().finish().await?;
        }
        Ok(rows)
    };
    connection.run(&target.sql, work).await
}

/// The next batch in the binary format.
async fn next(source: &Arc<dyn BatchSource>, target: &Arc<Target>) -> Result<Option<Bytes>> {
    let (source, target) = (Arc::clone(source), Arc::clone(target));
    let work = move || loop {
        match source.next_batch().map_err(Error::Source)? {
            None => return Ok(None),
            Some(batch) if batch.num_rows() == 0 => {}
            Some(batch) => return encode(&batch, &target.columns).map(Some).map_err(Error::Source),
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

/// How the values of a column are written.
type Put<'a> = Box<dyn Fn(&mut BytesMut, usize) -> Result<(), BoxError> + 'a>;

fn encode(batch: &RecordBatch, columns: &[(String, Type)]) -> Result<Bytes, BoxError> {
    let put: Vec<_> = batch
        .columns()
        .iter()
        .zip(columns)
        .map(|(array, (name, target))| putter(array.as_ref(), name, target))
        .collect::<Result<_, _>>()?;
    let count = i16::try_from(put.len())?;
    let mut buffer =
        BytesMut::with_capacity(batch.get_array_memory_size() + batch.num_rows() * (2 + 4 * put.len()));
    for row in 0..batch.num_rows() {
        buffer.put_i16(count);
        for (array, put) in batch.columns().iter().zip(&put) {
            if array.is_null(row) {
                buffer.put_i32(-1);
            } else {
                put(&mut buffer, row)?;
            }
        }
    }
    Ok(buffer.freeze())
}

fn putter<'a>(array: &'a dyn Array, name: &'a str, target: &Type) -> Result<Put<'a>, BoxError> {
    Ok(match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            Box::new(move |buffer, row| {
                let text = array.value(row).as_bytes();
                buffer.put_i32(i32::try_from(text.len())?);
                buffer.put_slice(text);
                Ok(())
            })
        }
        DataType::Int32 => {
            let array = array.as_primitive::<Int32Type>();
            integers(name, target, move |row| i64::from(array.value(row)))
        }
        DataType::Int64 => {
            let array = array.as_primitive::<Int64Type>();
            integers(name, target, move |row| array.value(row))
        }
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            floats(target, move |row| f64::from(array.value(row)))
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            floats(target, move |row| array.value(row))
        }
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |buffer, row| {
                buffer.put_i32(1);
                buffer.put_u8(u8::from(array.value(row)));
                Ok(())
            })
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(move |buffer, row| {
                let days = array.value(row).checked_sub(EPOCH_DAYS).ok_or_else(|| out_of_range(name))?;
                buffer.put_i32(4);
                buffer.put_i32(days);
                Ok(())
            })
        }
        DataType::Timestamp(unit, _) => {
            let microseconds: Box<dyn Fn(usize) -> Option<i64>> = match unit {
                TimeUnit::Second => {
                    let array = array.as_primitive::<TimestampSecondType>();
                    Box::new(move |row| array.value(row).checked_mul(1_000_000))
                }
                TimeUnit::Millisecond => {
                    let array = array.as_primitive::<TimestampMillisecondType>();
                    Box::new(move |row| array.value(row).checked_mul(1_000))
                }
                TimeUnit::Microsecond => {
                    let array = array.as_primitive::<TimestampMicrosecondType>();
                    Box::new(move |row| Some(array.value(row)))
                }
                TimeUnit::Nanosecond => {
                    let array = array.as_primitive::<TimestampNanosecondType>();
                    Box::new(move |row| Some(array.value(row).div_euclid(1_000)))
                }
            };
            Box::new(move |buffer, row| {
                let value = microseconds(row)
                    .and_then(|value| value.checked_sub(EPOCH_MICROSECONDS))
                    .ok_or_else(|| out_of_range(name))?;
                buffer.put_i32(8);
                buffer.put_i64(value);
                Ok(())
            })
        }
        other => return Err(format!("the column {name} is {other}, which cannot be written").into()),
    })
}

fn integers<'a>(name: &'a str, target: &Type, value: impl Fn(usize) -> i64 + 'a) -> Put<'a> {
    match *target {
        Type::INT2 => Box::new(move |buffer, row| {
            buffer.put_i32(2);
            buffer.put_i16(i16::try_from(value(row)).map_err(|_| out_of_range(name))?);
            Ok(())
        }),
        Type::INT4 => Box::new(move |buffer, row| {
            buffer.put_i32(4);
            buffer.put_i32(i32::try_from(value(row)).map_err(|_| out_of_range(name))?);
            Ok(())
        }),
        Type::FLOAT8 => floats(target, move |row| value(row) as f64),
        _ => Box::new(move |buffer, row| {
            buffer.put_i32(8);
            buffer.put_i64(value(row));
            Ok(())
        }),
    }
}

fn floats<'a>(target: &Type, value: impl Fn(usize) -> f64 + 'a) -> Put<'a> {
    match *target {
        Type::FLOAT4 => Box::new(move |buffer, row| {
            buffer.put_i32(4);
            buffer.put_f32(value(row) as f32);
            Ok(())
        }),
        _ => Box::new(move |buffer, row| {
            buffer.put_i32(8);
            buffer.put_f64(value(row));
            Ok(())
        }),
    }
}

fn out_of_range(name: &str) -> BoxError {
    format!("a value of the column {name} is too large for it").into()
}
