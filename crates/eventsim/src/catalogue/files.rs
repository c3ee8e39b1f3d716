//! The files of song_data.

use rayon::prelude::*;

use super::{Catalogue, Layout, SongFile, SongRecord};
use crate::{
    Compression, Error, Progress,
    json::{Slash, push_decimal, push_integer, push_string, push_string_utf8},
    sink::{Sink, write_file},
};

/// Writes all files, on all threads.
pub(crate) fn write_files(
    catalogue: &Catalogue,
    compression: Compression,
    sink: &dyn Sink,
    progress: &Progress,
) -> Result<(), Error> {
    catalogue.files.par_iter().try_for_each_init(Vec::new, |text, file| {
        progress.check()?;
        text.clear();
        push_file(text, file, &catalogue.records);
        write_file(sink, &format!("{}{}", file.path(), compression.ending()), &compression.apply(text)?)?;
        progress.add_file();
        Ok(())
    })
}

fn push_file(out: &mut Vec<u8>, file: &SongFile, records: &[SongRecord]) {
    for (index, record) in records[file.records.clone()].iter().enumerate() {
        if index > 0 && file.layout != Layout::OneLine {
            out.push(b'\n');
        }
        push_record(out, record, file.layout);
    }
}

/// Appends a record: an object with the keys in the source's order.
fn push_record(out: &mut Vec<u8>, record: &SongRecord, layout: Layout) {
    let text = |text: &str| {
        let mut out = Vec::new();
        if layout == Layout::OtherOrder {
            push_string_utf8(&mut out, text);
        } else {
            push_string(&mut out, text, Slash::Plain);
        }
        out
    };
    let decimal = |number: Option<i64>| match number {
        Some(number) => {
            let mut out = Vec::new();
            push_decimal(&mut out, number);
            out
        }
        None => b"null".to_vec(),
    };
    let mut year = Vec::new();
    push_integer(&mut year, i64::from(record.year));
    let coordinates = record.coordinates;
    let mut fields = [
        ("num_songs", b"1".to_vec()),
        ("artist_id", text(&record.artist_id)),
        ("artist_latitude", decimal(coordinates.map(|(latitude, _)| i64::from(latitude)))),
        ("artist_longitude", decimal(coordinates.map(|(_, longitude)| i64::from(longitude)))),
        ("artist_location", text(&record.location)),
        ("artist_name", if record.numeric { record.name.clone().into_bytes() } else { text(&record.name) }),
        ("song_id", text(&record.song_id)),
        ("title", text(&record.title)),
        ("duration", decimal(Some(record.duration))),
        ("year", year),
    ];
    if layout == Layout::OtherOrder {
        fields.reverse();
    }
    let (open, between, close) = match layout {
        Layout::Pretty => ("{\n  ", ",\n  ", "\n}"),
        _ => ("{", ", ", "}"),
    };
    out.extend_from_slice(open.as_bytes());
    for (index, (key, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        out.extend_from_slice(format!("\"{key}\": ").as_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(close.as_bytes());
}
