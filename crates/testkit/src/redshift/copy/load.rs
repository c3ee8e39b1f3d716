//! Reads files and makes rows of them, in threads.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc;

use super::{
    aws::Aws,
    convert::Unfit,
    files::Entry,
    parse::Compression,
    progress::{BadRecord, Progress},
    records::{Broken, Records},
    rows::{Bad, Rows},
    s3::{Object, Reader, S3},
};
use crate::redshift::{error::ServerError, options::Oddity};

/// So many bytes of rows are sent at once.
const BATCH: usize = 256 << 10;
/// So many batches may wait.
pub(super) const WAITING: usize = 4;

/// What the threads have for the session.
pub(super) enum Piece {
    Rows {
        bytes: Vec<u8>,
        count: u64,
    },
    /// The load cannot go on.
    Failed(ServerError),
    /// There are more bad records than are allowed.
    TooManyErrors,
}

/// A load that several threads share.
pub(super) struct Load {
    pub(super) aws: Arc<Aws>,
    pub(super) entries: Vec<Entry>,
    pub(super) compression: Compression,
    pub(super) rows: Rows,
    pub(super) progress: Arc<Progress>,
    pub(super) errors_allowed: u64,
    next: AtomicUsize,
    stopped: AtomicBool,
    oddity: Option<Oddity>,
    /// Whether the row that is to be lost is lost already.
    lost: AtomicBool,
}

/// Why a thread ends before its time.
enum Stop {
    Failed(ServerError),
    TooManyErrors,
    /// Nobody wants the rest.
    Unwanted,
}

impl Load {
    pub(super) fn new(
        aws: Arc<Aws>,
        entries: Vec<Entry>,
        compression: Compression,
        rows: Rows,
        progress: Arc<Progress>,
        errors_allowed: u64,
    ) -> Self {
        let (next, stopped, lost) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { aws, entries, compression, rows, progress, errors_allowed, next, stopped, oddity: None, lost }
    }

    pub(super) fn with_oddity(self, oddity: Option<Oddity>) -> Self {
        Self { oddity, ..self }
    }

    fn loses_row(&self) -> bool {
        self.oddity == Some(Oddity::LosesRow) && !self.lost.swap(true, Ordering::Relaxed)
    }

    /// Lets the threads end soon.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// What one thread does: a file after the other.
    pub(super) fn work(&self, sender: &mpsc::Sender<Piece>) {
        let piece = match self.files(sender) {
            Ok(()) | Err(Stop::Unwanted) => return,
            Err(Stop::Failed(error)) => Piece::Failed(error),
            Err(Stop::TooManyErrors) => Piece::TooManyErrors,
        };
        self.stop();
        // If nobody listens any more, the load has ended already.
        let _ = sender.blocking_send(piece);
    }

    fn files(&self, sender: &mpsc::Sender<Piece>) -> Result<(), Stop> {
        let mut s3 = S3::new(Arc::clone(&self.aws)).map_err(Stop::Failed)?;
        let mut batch = Batch::default();
        while let Some(entry) = self.entries.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut object = match s3.open(&entry.place) {
                Ok(object) => object,
                Err(failure) if failure.status == 404 && !entry.mandatory => continue,
                Err(failure) => return Err(Stop::Failed(failure.error())),
            };
            self.progress.compressed_bytes.fetch_add(object.size, Ordering::Relaxed);
            let url = entry.place.url();
            let (lines, bytes) = self.file(&mut s3, &mut object, &url, &mut batch, sender)?;
            batch.send(sender, &self.progress)?;
            let etag = if self.oddity == Some(Oddity::HidesTags) { "" } else { &object.etag };
            self.progress.add_file(&url, lines, bytes, etag, &object.last_modified);
            s3.close(object);
        }
        Ok(())
    }

    /// Reads a file: how many records and bytes it has.
    fn file(
        &self,
        s3: &mut S3,
        object: &mut Object,
        url: &str,
        batch: &mut Batch,
        sender: &mpsc::Sender<Piece>,
    ) -> Result<(u64, u64), Stop> {
        let reader = Reader { s3, object };
        let source: Box<dyn Read + '_> = match self.compression {
            Compression::None => Box::new(reader),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
            Compression::Zstd => Box::new(
                zstd::stream::read::Decoder::new(reader).map_err(|error| Self::unreadable(&error, url))?,
            ),
        };
        let mut records = Records::new(source);
        let mut lines = 0;
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Stop::Unwanted);
            }
            let next = records.next().map_err(|error| Self::unreadable(&error, url))?;
            let bad = match next {
                None if self.oddity == Some(Oddity::CountsLinesOfText) => {
                    return Ok((records.line, records.bytes));
                }
                None => return Ok((lines, records.bytes)),
                Some(Ok(_)) if self.loses_row() => None,
                Some(Ok(record)) => match self.rows.write(record.bytes, &mut batch.bytes) {
                    Ok(()) => {
                        batch.count += 1;
                        None
                    }
                    Err(bad) => Some((record.line, bad)),
                },
                Some(Err((broken, line))) => Some((line, (None, unfit(broken)))),
            };
            lines += 1;
            if let Some((line, bad)) = bad {
                self.bad_record(url, line, bad)?;
            }
            if batch.bytes.len() >= BATCH {
                batch.send(sender, &self.progress)?;
            }
        }
    }

    fn bad_record(&self, url: &str, line: u64, (column, unfit): Bad) -> Result<(), Stop> {
        let column = column.map(|index| self.rows.column(index));
        let column = column.map(|column| (column.name.clone(), column.type_name.clone(), column.length()));
        let bad = BadRecord { file: url.to_owned(), line, column, unfit };
        if self.progress.add_error(&bad) > self.errors_allowed { Err(Stop::TooManyErrors) } else { Ok(()) }
    }

    /// A body that does not come, or is not compressed as it was said to be.
    fn unreadable(error: &io::Error, url: &str) -> Stop {
        let text = error.to_string();
        let message = if text.starts_with("S3ServiceException") {
            text
        } else {
            "Unknown zlib error code.  zlib error code: -3".to_owned()
        };
        let detail = super::aws::detail(&message, url, "s3_inflate.cpp:100");
        Stop::Failed(ServerError::new("XX000", message).with_detail(detail))
    }
}

fn unfit(broken: Broken) -> Unfit {
    match broken {
        Broken::NoObject | Broken::Unfinished => Unfit::new(1216, "Invalid value."),
        Broken::TooLong => Unfit::new(1216, "The JSON object exceeds the maximum size of 4194304 bytes"),
    }
}

/// Rows that are not yet sent.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    count: u64,
}

impl Batch {
    fn send(&mut self, sender: &mpsc::Sender<Piece>, progress: &Progress) -> Result<(), Stop> {
        if self.count == 0 {
            return Ok(());
        }
        progress.rows.fetch_add(self.count, Ordering::Relaxed);
        progress.bytes.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(BATCH + (BATCH >> 3)));
        let count = std::mem::take(&mut self.count);
        sender.blocking_send(Piece::Rows { bytes, count }).map_err(|_| Stop::Unwanted)
    }
}
