//! The files of a day.

use std::borrow::Cow;

use rayon::prelude::*;

use super::windows::Log;
use crate::{
    Compression, Error, Sink,
    sink::{Part, SinkFile},
    traps::{Block, Files, Reject},
};

/// The files of a day, made when they get their first rows.
#[derive(Debug)]
pub(super) struct Day {
    day: i64,
    compression: Compression,
    files: [Option<OpenFile>; 3],
}

#[derive(Debug)]
struct OpenFile {
    name: String,
    file: Box<dyn SinkFile>,
    rows: u64,
    parts: u64,
    offset: u64,
}

/// A part with its place.
struct Placed<'a> {
    file: &'a dyn SinkFile,
    number: u64,
    offset: u64,
    bytes: Cow<'a, [u8]>,
}

impl Day {
    pub(super) const fn new(day: i64, compression: Compression) -> Self {
        Self { day, compression, files: [const { None }; 3] }
    }

    /// Writes blocks, which come in order; returns their buffers, emptied.
    pub(super) fn write(
        &mut self,
        mut blocks: Vec<Block>,
        sink: &dyn Sink,
        log: &mut Log,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut placed: Vec<Placed<'_>> = Vec::new();
        let compression = self.compression;
        for (which, slot) in Files::ALL.into_iter().zip(&mut self.files) {
            let parts = || blocks.iter().map(|block| &block.parts[which as usize]);
            if parts().all(|part| part.rows == 0) {
                continue;
            }
            if slot.is_none() {
                let name = format!("{}{}", which.path(self.day), compression.ending());
                *slot = Some(OpenFile { file: sink.create(&name)?, name, rows: 0, parts: 0, offset: 0 });
            }
            let Some(open) = slot else { continue };
            // The first row of a file has no newline before it.
            let is_first = open.rows == 0;
            let first = parts().position(|part| part.rows > 0).filter(|_| is_first);
            let compressed = blocks
                .par_iter()
                .enumerate()
                .map(|(index, block)| {
                    let bytes = &block.parts[which as usize].bytes[..];
                    let bytes = if Some(index) == first { &bytes[1..] } else { bytes };
                    if bytes.is_empty() { Ok(Cow::Borrowed(bytes)) } else { compression.apply(bytes) }
                })
                .collect::<Result<Vec<_>, _>>()?;
            for block in &blocks {
                if which == Files::Main {
                    log.rejects.extend(block.rejects.iter().map(|(row, reason)| Reject {
                        file: open.name.clone(),
                        line: open.rows + row + 1,
                        reason,
                    }));
                }
                open.rows += block.parts[which as usize].rows;
            }
            let file = &*open.file;
            for bytes in compressed {
                if !bytes.is_empty() {
                    let length = bytes.len() as u64;
                    placed.push(Placed { file, number: open.parts, offset: open.offset, bytes });
                    open.parts += 1;
                    open.offset += length;
                }
            }
        }
        placed.par_iter().try_for_each(|part| {
            part.file.write(Part { number: part.number, offset: part.offset, bytes: &part.bytes })
        })?;
        drop(placed);
        Ok(blocks
            .iter_mut()
            .map(|block| {
                let mut buffer = std::mem::take(&mut block.parts[0].bytes);
                buffer.clear();
                buffer
            })
            .collect())
    }

    /// Finishes the files and notes their names.
    pub(super) fn finish(self, log: &mut Log) -> Result<(), Error> {
        for (which, open) in Files::ALL.into_iter().zip(self.files) {
            let Some(open) = open else { continue };
            open.file.finish()?;
            if which == Files::Late {
                log.late_files.push(open.name.clone());
            }
            log.files.push(open.name);
        }
        Ok(())
    }
}
