//! Reads files a second time.
//!
//! The first reading does not note where a row came from, since that would cost time and room for every record. What
//! asks for it is rare, so the files are read again then, on all cores.

use std::{
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
};

use arrow_array::RecordBatch;

use super::Run;
use crate::{
    Result,
    reader::{BLOCK_BYTES, RecordReader, RejectLog, Stop},
    record::{Position, RecordShape, Reject},
    source::SourceFile,
    threads::{Over, on_all_cores},
};

/// How much of each file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// Its first block.
    Beginning,
}

/// A batch of rows, each with its place.
pub(super) struct Seen<'a> {
    pub(super) files: &'a [SourceFile],
    pub(super) batch: &'a RecordBatch,
    pub(super) positions: &'a [Position],
}

impl Seen<'_> {
    /// The file and the line of each row.
    pub(super) fn places(&self) -> impl Iterator<Item = (&SourceFile, u64)> {
        self.positions.iter().map(|position| (&self.files[position.file], position.line))
    }
}

/// What came of it.
pub(super) struct Reread {
    readers: Arc<[RecordReader]>,
    /// Whether all was read: not if there were too many bad records, or if enough had been seen.
    pub(super) complete: bool,
    /// The bad records, if they were asked for.
    pub(super) rejects: Vec<Reject>,
}

impl Reread {
    /// How many records each file has.
    pub(super) fn records(&self) -> Vec<u64> {
        let outcomes = self.readers.iter().flat_map(RecordReader::outcomes);
        outcomes.map(|(_, outcome)| outcome.records.load(Ordering::Relaxed)).collect()
    }
}

impl Run<'_> {
    /// Reads the files of the sets, and shows `look` each batch, on all cores at once, until it has seen enough.
    pub(super) async fn reread(
        &self,
        sets: Vec<(Arc<RecordShape>, Arc<[SourceFile]>)>,
        extent: Extent,
        rejects: RejectLog,
        look: impl Fn(&Seen<'_>) -> Result<ControlFlow<()>> + Send + Sync + 'static,
    ) -> Result<Reread> {
        let files = || sets.iter().flat_map(|(_, files)| files.iter());
        let (step, most) = match extent {
            Extent::Whole => ("reading again", u64::MAX),
            Extent::Beginning => ("sampling", BLOCK_BYTES as u64),
        };
        let bytes = files().map(|file| file.size.min(most)).sum();
        let step = self.progress.begin_again(step, files().count() as u64, bytes);
        let rejects = Arc::new(rejects);
        let reader = |(shape, files)| {
            let reader = RecordReader::new(
                self.source.as_ref(),
                shape,
                files,
                Arc::clone(&rejects),
                Arc::clone(&step.progress),
                self.cancel.clone(),
            );
            if extent == Extent::Beginning { reader.only_beginnings() } else { reader }
        };
        let readers: Arc<[_]> = sets.into_iter().map(reader).collect();
        let work = {
            let readers = Arc::clone(&readers);
            move |over: &Over| {
                readers.iter().try_fold(true, |all, reader| Ok(all & show_all(reader, over, &look)?))
            }
        };
        let complete = on_all_cores(self.cancel, work).await?.into_iter().all(|all| all);
        Ok(Reread { readers, complete, rejects: rejects.sorted() })
    }
}

/// Shows what the reader hands out to this thread; false if that is not all.
fn show_all(
    reader: &RecordReader,
    over: &Over,
    look: &impl Fn(&Seen<'_>) -> Result<ControlFlow<()>>,
) -> Result<bool> {
    while !over.is_set() {
        let (batch, positions) = match reader.next_batch_with_positions() {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(true),
            Err(Stop::TooManyRejects) => return Ok(false),
            Err(stop) => return Err(stop.into()),
        };
        let seen = Seen { files: reader.files(), batch: &batch, positions: &positions };
        if look(&seen)?.is_break() {
            over.set();
        }
    }
    Ok(false)
}
