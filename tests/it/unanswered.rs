//! A source that does not answer: a wish to stop is heard all the same, and the process ends.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sparkify_etl::{
    Cancel, Error, LoadOptions, Progress, SourceError, create_tables, load,
    record::JsonPaths,
    source::{Content, FileFeed, LocalDirectory, Source, SourceFile},
};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{Cli, DataSet, Event, PostgresServer, query};
use sparkify_warehouse::{Warehouse, postgres::PostgresWarehouse};

use crate::{
    cli,
    local_loads::{load_with, prepared_duckdb},
    postgres,
    redshift::Stand,
};

/// How long a test waits for what must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// Where a read waits.
#[derive(Debug, Default)]
struct Gate {
    reached: tokio::sync::Notify,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        self.reached.notify_one();
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// A directory of which some files do not answer: those that are opened after so many others.
#[derive(Debug)]
struct Silent {
    inner: LocalDirectory,
    left: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

impl Silent {
    fn after(files: usize, data: &Path) -> Self {
        let inner = LocalDirectory::new(data);
        Self { inner, left: Arc::new(AtomicUsize::new(files)), gate: Arc::default() }
    }
}

#[async_trait]
impl Source for Silent {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn list(&self) -> Result<Vec<SourceFile>, SourceError> {
        self.inner.list().await
    }

    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError> {
        self.inner.json_paths().await
    }

    fn feed(&self, files: Arc<[SourceFile]>, cancel: &Cancel) -> Arc<dyn FileFeed> {
        let inner = self.inner.feed(files, cancel);
        Arc::new(SilentFeed { inner, left: Arc::clone(&self.left), gate: Arc::clone(&self.gate) })
    }
}

#[derive(Debug)]
struct SilentFeed {
    inner: Arc<dyn FileFeed>,
    left: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

impl FileFeed for SilentFeed {
    fn next(&self) -> Option<(usize, Result<Content, SourceError>)> {
        let (index, content) = self.inner.next()?;
        let one_less = |left: usize| left.checked_sub(1);
        let answers = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        let gate = Arc::clone(&self.gate);
        let silent = |content| Box::new(SilentContent { content, gate }) as Content;
        Some((index, if answers { content } else { content.map(silent) }))
    }
}

struct SilentContent {
    content: Content,
    gate: Arc<Gate>,
}

impl Read for SilentContent {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.gate.pass();
        self.content.read(buffer)
    }
}

/// Two events that contradict each other in one file.
fn conflict() -> DataSet {
    let data = DataSet::new();
    let event = |name| Event::play(900, 5).user(77).first_name(name);
    data.write_events("a.json", &[event("Ann"), event("Bob")]);
    data
}

/// Loads, and stops when a file does not answer.
async fn stop_when_silent(warehouse: &dyn Warehouse, source: Silent, options: &LoadOptions) {
    let (library, cancel, progress) =
        (SqlLibrary::embedded().unwrap(), Cancel::default(), Arc::new(Progress::default()));
    let gate = Arc::clone(&source.gate);
    let stop = async {
        gate.reached.notified().await;
        cancel.cancel();
    };
    let work = load(warehouse, Arc::new(source), &library, options, &progress, &cancel);
    let both = tokio::time::timeout(LIMIT, async { tokio::join!(work, stop) });
    let ended = both.await;
    // Before anything can fail: what waits for it would keep the test from ending.
    gate.open();
    let (result, ()) = ended.expect("a load that ends");
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
}

/// Stops a load while it reads, while it hashes and while it reads again.
async fn stop_everywhere(warehouse: &dyn Warehouse) {
    let allow_one = LoadOptions { max_errors: 1, ..LoadOptions::default() };
    let data = conflict();
    for files_that_answer in [0, 1] {
        stop_when_silent(warehouse, Silent::after(files_that_answer, &data.path()), &allow_one).await;
    }
    load_with(warehouse, &data.path(), &allow_one, &Cancel::default()).await.unwrap();
    let hash = LoadOptions { verify_content: true, ..allow_one };
    stop_when_silent(warehouse, Silent::after(0, &data.path()), &hash).await;
    let found = warehouse.query("SELECT COUNT(*) FROM load_runs").await.unwrap();
    assert_eq!(found.integer(0, 0), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_into_duckdb_stops_while_a_file_does_not_answer() {
    stop_everywhere(&prepared_duckdb().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_into_postgres_stops_while_a_file_does_not_answer() {
    let database = PostgresServer::shared().create_database();
    let warehouse = PostgresWarehouse::open(&postgres::options(&database.url())).await.unwrap();
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    stop_everywhere(&warehouse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_into_redshift_stops_while_a_file_does_not_answer() {
    let stand = Stand::new();
    let warehouse = stand.prepared().await;
    stop_everywhere(warehouse.as_ref()).await;
    assert_eq!(stand.staged(), Vec::<String>::new());
}

/// A named pipe among the files.
fn pipe(data: &DataSet, name: &str) -> PathBuf {
    let path = data.path().join("log_data").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Waits until somebody reads the pipe, and returns the other end; `None` if the process has ended before.
fn until_read(pipe: &Path, child: &mut Child) -> Option<std::fs::File> {
    const O_NONBLOCK: i32 = 0o4000;
    let begin = Instant::now();
    loop {
        if let Ok(end) = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(pipe) {
            return Some(end);
        }
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        assert!(begin.elapsed() < LIMIT, "nobody reads the pipe");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(cli: &Cli, data: &DataSet, more: &[&str]) -> Child {
    let source = data.path().display().to_string();
    let arguments = ["run", "--source", &source, "--max-errors", "1", "-v"];
    let mut command = cli.command(arguments.iter().chain(more));
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends the signal, after which the process must end.
fn assert_stops(mut child: Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let begin = Instant::now();
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        if begin.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("it is deaf to {signal}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(ended.code(), Some(130), "{signal}");
}

#[test]
fn a_named_pipe_in_the_source_does_not_make_the_process_deaf() {
    for signal in ["-INT", "-TERM"] {
        let (cli, data) = (cli(), conflict());
        let pipe = pipe(&data, "b.json");
        let mut child = start(&cli, &data, &[]);
        // If the pipe is refused, nobody ever reads it.
        if let Some(_silent) = until_read(&pipe, &mut child) {
            assert_stops(child, signal);
            assert_eq!(query(&cli.database(), "SELECT COUNT(*) FROM load_runs"), [["0"]]);
        }
    }
}

#[test]
fn a_named_pipe_that_is_silent_when_it_is_read_again_does_not_make_the_process_deaf() {
    for signal in ["-INT", "-TERM"] {
        let (cli, data) = (cli(), DataSet::new());
        let pipe = pipe(&data, "b.json");
        let mut child = start(&cli, &data, &[]);
        let Some(mut answering) = until_read(&pipe, &mut child) else { continue };
        let event = |name| Event::play(900, 5).user(77).first_name(name).line();
        writeln!(answering, "{}\n{}", event("Ann"), event("Bob")).unwrap();
        drop(answering);
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(log.any(|line| line.unwrap().contains("reading again")), "the events contradict each other");
        let _silent = until_read(&pipe, &mut child).expect("a process that reads");
        let log = std::thread::spawn(move || log.for_each(drop));
        assert_stops(child, signal);
        log.join().unwrap();
    }
}
