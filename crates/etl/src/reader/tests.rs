use std::io::Read;

use arrow_array::{cast::AsArray, types::Int64Type};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{
    error::SourceProblem,
    record::{RECORD_BYTES_MAX, Reason},
    source::{Compression, Content, FileKind, MockSource},
};

/// Files in memory; what a file has is made when it is opened.
struct Files(Vec<Open>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

#[derive(Debug)]
struct Feed {
    files: Arc<Files>,
    next: AtomicU64,
}

impl FileFeed for Feed {
    fn next(&self) -> Option<(usize, Result<Content, SourceError>)> {
        let index = usize::try_from(self.next.fetch_add(1, Ordering::SeqCst)).unwrap();
        Some((index, self.files.0.get(index)?()))
    }
}

type Open = Box<dyn Fn() -> Result<Content, SourceError> + Send + Sync>;
type Layout = fn(usize) -> String;

/// Bytes over and over again, without an end.
struct Endless(&'static [u8]);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let whole = buffer.len() / self.0.len() * self.0.len();
        buffer[..whole].chunks_mut(self.0.len()).for_each(|chunk| chunk.copy_from_slice(self.0));
        Ok(whole)
    }
}

fn content(bytes: impl Into<Vec<u8>>) -> Open {
    let bytes = bytes.into();
    Box::new(move || Ok(Box::new(std::io::Cursor::new(bytes.clone()))))
}

fn endless(bytes: &'static [u8]) -> Open {
    Box::new(move || Ok(Box::new(Endless(bytes))))
}

fn failing() -> Open {
    Box::new(|| Err(SourceError::new("bad", SourceProblem::Unreadable)))
}

struct Setting {
    allowed: u64,
    block_bytes: usize,
    cancel: Cancel,
    compression: Compression,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            allowed: u64::MAX,
            block_bytes: BLOCK_BYTES,
            cancel: Cancel::default(),
            compression: Compression::None,
        }
    }
}

impl Setting {
    fn reader(self, files: Vec<Open>) -> RecordReader {
        let list: Vec<_> = (0..files.len())
            .map(|index| SourceFile {
                path: format!("file {index}"),
                kind: FileKind::Events,
                compression: self.compression,
                size: 0,
                modified_ns: None,
                content_tag: None,
            })
            .collect();
        let files = Arc::new(Files(files));
        let mut source = MockSource::new();
        source
            .expect_feed()
            .returning(move |_, _| Arc::new(Feed { files: Arc::clone(&files), next: AtomicU64::new(0) }));
        let rejects = Arc::new(RejectLog::new(self.allowed));
        let shape = Arc::new(RecordShape::events(None));
        RecordReader::new(&source, shape, list.into(), rejects, Arc::default(), self.cancel)
            .with_block_bytes(self.block_bytes)
    }
}

fn line(session: usize) -> String {
    format!(r#"{{"page":"Home","level":"free","sessionId":{session},"itemInSession":1,"ts":1541106132796}}"#)
}

fn sessions(batch: &RecordBatch) -> Vec<i64> {
    batch.column_by_name("session_id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

/// What several threads get from a reader together, and how each of them ended.
fn read_with(reader: &RecordReader, threads: usize) -> (Vec<i64>, Vec<Option<Stop>>) {
    std::thread::scope(|scope| {
        let work = || {
            let mut found = Vec::new();
            loop {
                match reader.next_batch() {
                    Ok(Some(batch)) => found.extend(sessions(&batch)),
                    Ok(None) => return (found, None),
                    Err(error) => return (found, Some(*error.downcast::<Stop>().unwrap())),
                }
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results: Vec<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
        let (found, ends): (Vec<_>, Vec<_>) = results.into_iter().unzip();
        let mut found = found.concat();
        found.sort_unstable();
        (found, ends)
    })
}

/// The session and line of each record, the rejects, and the counts of the first file.
fn read_positions(setting: Setting, bytes: &[u8]) -> (Vec<(i64, u64)>, Vec<Reject>) {
    let block_bytes = setting.block_bytes;
    let reader = setting.reader(vec![content(bytes)]);
    let mut found = Vec::new();
    while let Some((batch, positions)) = reader.next_batch_with_positions().unwrap() {
        found.extend(sessions(&batch).into_iter().zip(positions.iter().map(|position| position.line)));
    }
    let reader = Setting { block_bytes, ..Setting::default() }.reader(vec![content(bytes)]);
    let (read, _) = read_with(&reader, 1);
    let mut again: Vec<_> = found.iter().map(|(session, _)| *session).collect();
    again.sort_unstable();
    assert_eq!(read, again, "both ways of reading find the same records");
    let rejects = reader.rejects.sorted();
    let (_, outcome) = reader.outcomes().next().unwrap();
    assert_eq!(outcome.records.load(Ordering::Relaxed), (read.len() + rejects.len()) as u64);
    assert_eq!(outcome.rejected.load(Ordering::Relaxed), rejects.len() as u64);
    (found, rejects)
}

#[test]
fn several_threads_hand_out_every_record_once() {
    for threads in [1, 2, 7] {
        let mut files = Vec::new();
        let mut next = 0;
        let mut some = |records: usize| {
            let lines: Vec<_> = (next..next + records).map(line).collect();
            next += records;
            content(lines.join("\n"))
        };
        files.push(some(30_000));
        files.extend((0..400).map(|index| some(index % 4)));
        files.push(some(20_000));
        let reader = Setting { block_bytes: 5000, ..Setting::default() }.reader(files);
        let (found, ends) = read_with(&reader, threads);
        assert!(ends.iter().all(Option::is_none), "{ends:?}");
        assert_eq!(found, (0..50_600).collect::<Vec<_>>());
        let counts: Vec<_> =
            reader.outcomes().map(|(_, outcome)| outcome.records.load(Ordering::Relaxed)).collect();
        assert_eq!((counts[0], counts[1], counts[2], counts[401]), (30_000, 0, 1, 20_000));
        assert!(reader.outcomes().all(|(_, outcome)| outcome.content_hash.get().is_some()));
        assert!(reader.next_batch().unwrap().is_none(), "it stays at its end");
    }
}

#[test]
fn the_hash_is_that_of_the_stored_bytes() {
    let text = (0..1000).map(line).collect::<Vec<_>>().join("\n");
    for compression in [Compression::None, Compression::Zstd] {
        let stored = match compression {
            Compression::Zstd => zstd::encode_all(text.as_bytes(), 3).unwrap(),
            _ => text.clone().into_bytes(),
        };
        let reader = Setting { block_bytes: 700, compression, ..Setting::default() }
            .reader(vec![content(stored.clone())]);
        assert_eq!(read_with(&reader, 2).0, (0..1000).collect::<Vec<_>>());
        let (file, outcome) = reader.outcomes().next().unwrap();
        let hash = hash_content(file, Box::new(std::io::Cursor::new(stored.clone()))).unwrap();
        assert_eq!(outcome.content_hash.get(), Some(&hash));
        assert_eq!(reader.progress.bytes().0, stored.len() as u64);
        assert_eq!((reader.progress.files().0, reader.progress.records()), (1, 1000));
    }
}

#[test]
fn a_file_that_cannot_be_read_stops_all_threads_and_is_named() {
    for threads in [1, 4] {
        // The other files have no end, so that a thread that went on would never return.
        let mut files: Vec<_> = (1..threads)
            .map(|_| {
                endless(b"{\"page\":\"P\",\"level\":\"L\",\"sessionId\":1,\"itemInSession\":1,\"ts\":1}\n")
            })
            .collect();
        files.push(failing());
        let reader = Setting::default().reader(files);
        let (_, ends) = read_with(&reader, threads);
        let errors: Vec<_> = ends.into_iter().flatten().collect();
        let [Stop::Source(error)] = &errors[..] else { panic!("{errors:?}") };
        assert_eq!((error.path.as_str(), &error.problem), ("bad", &SourceProblem::Unreadable));
    }
}

#[test]
fn a_panic_while_a_block_is_read_ends_the_other_threads() {
    struct Panics(Arc<std::sync::Barrier>);
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.0.wait();
            panic!("on purpose");
        }
    }
    let both = Arc::new(std::sync::Barrier::new(2));
    let file = {
        let both = Arc::clone(&both);
        move || Ok(Box::new(Panics(Arc::clone(&both))) as Content)
    };
    let reader = Arc::new(Setting::default().reader(vec![Box::new(file)]));
    let (ended, ends) = std::sync::mpsc::channel();
    for _ in 0..3 {
        let (reader, ended) = (Arc::clone(&reader), ended.clone());
        std::thread::spawn(move || {
            let read = std::thread::spawn(move || reader.next_batch().unwrap().is_none());
            ended.send(read.join().unwrap_or(false)).unwrap();
        });
    }
    // The two others have found that there is no further file.
    while !lock(&reader.queue).exhausted {
        std::thread::yield_now();
    }
    both.wait();
    let limit = std::time::Duration::from_secs(60);
    let mut at_end: Vec<_> = (0..3).map(|_| ends.recv_timeout(limit).expect("no thread waits")).collect();
    at_end.sort_unstable();
    assert_eq!(at_end, [false, true, true]);
    assert!(!reader.is_reading());
}

#[test]
fn of_a_beginning_the_first_block_of_each_file_is_read() {
    let text = |first: usize| (first..first + 1000).map(line).collect::<Vec<_>>().join("\n");
    let setting = Setting { block_bytes: 1000, ..Setting::default() };
    let reader = setting.reader(vec![content(text(0)), content(text(5000)), content(line(9000))]);
    let (found, ends) = read_with(&reader.only_beginnings(), 2);
    assert!(ends.iter().all(Option::is_none));
    let of_each: Vec<_> = [0, 5000, 9000]
        .into_iter()
        .map(|first| found.iter().filter(|session| (first..first + 1000).contains(*session)).count())
        .collect();
    assert!(of_each[..2].iter().all(|records| (5..20).contains(records)) && of_each[2] == 1, "{of_each:?}");
}

#[test]
fn a_wish_to_stop_stops_all_threads() {
    let cancel = Cancel::default();
    let good = b"{\"page\":\"P\",\"level\":\"L\",\"sessionId\":1,\"itemInSession\":1,\"ts\":1}\n";
    let reader = Setting { cancel: cancel.clone(), ..Setting::default() }.reader(vec![endless(good)]);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| read_with(&reader, 3).1);
        while reader.progress.records() < 50_000 {
            std::thread::yield_now();
        }
        cancel.cancel();
        let ends = work.join().unwrap();
        assert!(ends.iter().all(|end| matches!(end, Some(Stop::Cancelled))), "{ends:?}");
    });
}

#[test]
fn too_many_bad_records_stop_the_reading() {
    let reader = Setting { allowed: 5, ..Setting::default() }.reader(vec![endless(b"not json\n")]);
    let (found, ends) = read_with(&reader, 2);
    assert_eq!(found, [0_i64; 0]);
    assert!(ends.iter().any(|end| matches!(end, Some(Stop::TooManyRejects))), "{ends:?}");
    assert!(reader.rejects.count() >= 25);
}

#[test]
fn a_record_that_is_too_long_is_skipped_and_lines_are_still_counted() {
    let long = |bytes: usize| {
        let text = line(9);
        format!("{}\"x\":\"{}\",{}", &text[..1], "\u{e9}\u{1b}".repeat(bytes / 3), &text[1..])
    };
    for (bytes, end) in
        [(RECORD_BYTES_MAX - 100, "\n"), (RECORD_BYTES_MAX + 1, "\n"), (5_000_000, "\r\n"), (9_000_000, "\n")]
    {
        let text = [line(1), long(bytes), line(3), line(4)].join(end);
        let (found, rejects) = read_positions(Setting::default(), text.as_bytes());
        assert_eq!(found, [(1, 1), (3, 3), (4, 4)], "{bytes}");
        let [reject] = &rejects[..] else { panic!("{bytes}: {rejects:?}") };
        assert_eq!(reject.line, 2, "{bytes}");
        assert_eq!(reject.reason == Reason::RecordTooLong, bytes > RECORD_BYTES_MAX, "{bytes}");
        assert!(reject.value.contains('…') && !reject.value.contains(char::is_control));
        assert!(reject.value.len() < 1000, "{}", reject.value);
        let (found, rejects) = read_positions(Setting::default(), long(bytes).as_bytes());
        assert_eq!((found.len(), rejects.len()), (0, 1), "alone in its file");
    }
}

#[test]
fn a_large_file_is_read_however_its_objects_are_laid_out() {
    let records = 80_000;
    let object = |session| line(session).replace(',', ",\n  ");
    let layouts: [(&str, Layout); 5] = [
        ("lines", |session| line(session) + "\n"),
        ("all on one line", line),
        ("several lines each", |session| line(session).replace(',', ",\n  ") + "\n"),
        ("braces further in", |session| format!("  {}\n", line(session).replace(',', ",\r\n  "))),
        ("blank lines between", |session| format!("\r\n \n{}\r\n", line(session))),
    ];
    for (name, layout) in layouts {
        let text: String = (0..records).map(layout).collect();
        // So long that a block must end where no line does.
        assert!(text.len() > RECORD_BYTES_MAX + 2 * BLOCK_BYTES, "{name}");
        let (found, rejects) = read_positions(Setting::default(), text.as_bytes());
        assert_eq!(rejects, [], "{name}");
        assert!(found.iter().map(|(session, _)| *session).eq(0..records as i64), "{name}");
    }
    let unknown = vec![object(0); 30_000].join(",\n");
    let text = format!("{{\"x\":[\n{unknown}\n],\n{}\n{}", &line(1)[1..], line(2));
    assert!((2_500_000..RECORD_BYTES_MAX).contains(&text.len()), "{}", text.len());
    let (found, rejects) = read_positions(Setting::default(), text.as_bytes());
    assert_eq!(rejects, [], "one object of several megabytes over many lines");
    assert_eq!(found.iter().map(|(session, _)| *session).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_record() {
    for block_bytes in [1, 2, 3, 4, BLOCK_BYTES] {
        let text = format!("\u{feff}{}\n{}", line(1), line(2));
        let setting = Setting { block_bytes, ..Setting::default() };
        assert_eq!(read_positions(setting, text.as_bytes()), (vec![(1, 1), (2, 2)], vec![]));
    }
}

/// A piece of a file, with what it must come to: good records and bad ones by their lines in the piece.
#[derive(Clone)]
struct Piece {
    bytes: Vec<u8>,
    good: Vec<(i64, u64)>,
    bad: Vec<u64>,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?} {:?}", String::from_utf8_lossy(&self.bytes), self.good, self.bad)
    }
}

fn any_piece() -> impl Strategy<Value = Piece> {
    (0..10_000_usize, select((0..13).collect::<Vec<_>>()), any::<prop::sample::Index>()).prop_map(
        |(session, layout, index)| {
            let (record, id) = (line(session), session as i64);
            let pretty = record.replace('{', "{\n ").replace(',', ",\n ").replace('}', "\n}");
            let broken = |mut at: usize| {
                // After a comma or colon, what follows could belong to the record.
                while matches!(record.as_bytes()[at - 1], b',' | b':') {
                    at -= 1;
                }
                record[..at].to_owned()
            };
            let (text, good, bad): (String, &[u64], &[u64]) = match layout {
                0..3 => (format!("{record}\n"), &[0], &[]),
                3 => (format!("{record}\r\n"), &[0], &[]),
                4 => (format!("  {record} \n\n \t\n"), &[0], &[]),
                5 => (format!("{record}{record}\n"), &[0, 0], &[]),
                6 => (format!("{pretty}\n"), &[0], &[]),
                7 => (format!("{}\n", pretty.replace("\n}", "\n  }").replace("{\n", "   {\r\n")), &[0], &[]),
                8 => (format!("{pretty}{pretty}{record}\n"), &[0, 6, 12], &[]),
                9 => ("2018-11-01 INFO no json\n".to_owned(), &[], &[0]),
                10 => (format!("{}\n", broken(1 + index.index(record.len() - 1))), &[], &[0]),
                11 => (format!("{}\n", record.replace("free", "fr\u{0}ee")), &[], &[0]),
                _ => (String::new(), &[], &[]),
            };
            let mut bytes = text.into_bytes();
            if layout == 12 {
                bytes = [record.as_bytes(), b"\n"].concat();
                bytes[1 + index.index(record.len() - 1)] = 0xff;
            }
            let bad = if layout == 12 { &[0] } else { bad };
            // A broken record ends where the next one begins in the first column.
            if !bad.is_empty() {
                bytes.extend_from_slice(line(10_000).as_bytes());
                bytes.push(b'\n');
            }
            let mut good: Vec<_> = good.iter().map(|line| (id, *line)).collect();
            if !bad.is_empty() {
                good.push((10_000, 1));
            }
            Piece { bytes, good, bad: bad.to_vec() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_size_give_the_same_records_and_lines(
        pieces in vec(any_piece(), 0..25), block_bytes in 1_usize..600, last_newline in any::<bool>(),
    ) {
        let (mut bytes, mut good, mut bad, mut first) = (Vec::new(), Vec::new(), Vec::new(), 1);
        for piece in &pieces {
            good.extend(piece.good.iter().map(|(id, line)| (*id, first + line)));
            bad.extend(piece.bad.iter().map(|line| first + line));
            first += piece.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            bytes.extend_from_slice(&piece.bytes);
        }
        if !last_newline && bytes.ends_with(b"\n") {
            bytes.pop();
        }
        let whole = read_positions(Setting::default(), &bytes);
        prop_assert_eq!(&whole.0, &good);
        prop_assert_eq!(whole.1.iter().map(|reject| reject.line).collect::<Vec<_>>(), bad);
        prop_assert_eq!(read_positions(Setting { block_bytes, ..Setting::default() }, &bytes), whole);
    }
}

#[test]
fn threads_that_wait_for_a_file_get_its_blocks() {
    /// Lets the other thread go to sleep first, in that it reads nothing for a while.
    struct Slow(std::io::Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            std::thread::yield_now();
            let some = buffer.len().min(100);
            self.0.read(&mut buffer[..some])
        }
    }
    let text = (0..20_000).map(line).collect::<Vec<_>>().join("\n").into_bytes();
    let file = move || Ok(Box::new(Slow(std::io::Cursor::new(text.clone()))) as Content);
    let reader = Setting { block_bytes: 1000, ..Setting::default() }.reader(vec![Box::new(file)]);
    let (found, ends) = read_with(&reader, 3);
    assert!(ends.iter().all(Option::is_none));
    assert_eq!(found, (0..20_000).collect::<Vec<_>>());
}
