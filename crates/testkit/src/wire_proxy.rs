//! A proxy in front of a PostgreSQL server that understands what the client sends, and cuts a connection
//! at a chosen statement: before the server gets it, after the server has done it and before the client
//! hears of it, or in the middle of the rows of a COPY.
//!
//! What counts as a statement is what the client waits for: a simple query, or messages of the extended
//! protocol up to Sync. (A COPY has two: its beginning, and its end with the rows.) Logging in and the
//! closing of prepared statements do not count.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::{PostgresDatabase, PostgresServer};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Instead of handing that statement to the server (from 0).
    Before(usize),
    /// When the server has done that statement, instead of its answer.
    After(usize),
    /// The same, but only once somebody has asked for the end of a statement. The server does not hear of that.
    AfterCancel(usize),
    /// In the middle of that message with rows of a COPY (from 0).
    WithinRows(usize),
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct WireProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: PathBuf,
    stopped: AtomicBool,
    state: Mutex<State>,
    /// A request to end a statement came.
    cancelled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    cut: Option<Cut>,
    was_cut: bool,
    was_cancelled: bool,
    statements: Vec<String>,
    row_messages: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the one cut is due.
    fn is_due(&mut self, at: Cut) -> bool {
        let due = !self.was_cut && self.cut == Some(at);
        self.was_cut |= due;
        due
    }
}

impl WireProxy {
    /// A proxy on a free port of this machine. It reaches the server by its Unix socket, so nothing is
    /// encrypted.
    #[must_use]
    pub fn start(server: &PostgresServer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            server: server.socket_directory().join(format!(".s.PGSQL.{}", server.port())),
            stopped: AtomicBool::new(false),
            state: Mutex::default(),
            cancelled: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                if let Ok(client) = client {
                    // An error is a connection that ended.
                    thread::spawn(move || serve(client, &shared));
                }
            }
        });
        Self { address, shared }
    }

    /// The URL of a database of the server by way of the proxy.
    #[must_use]
    pub fn url(&self, database: &PostgresDatabase) -> String {
        let mut database = database.clone();
        database.port = self.address.port();
        database.url_with("127.0.0.1", "sslmode=disable")
    }

    /// Begins to count anew, and cuts one connection at that moment; `None` cuts none.
    pub fn begin(&self, cut: Option<Cut>) {
        *self.shared.state() = State { cut, ..State::default() };
    }

    /// Whether a connection was cut since [`begin`](Self::begin).
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.shared.state().was_cut
    }

    /// The statements since [`begin`](Self::begin); the end of a COPY is `END OF COPY`.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.shared.state().statements.clone()
    }

    /// How many messages had rows of a COPY since [`begin`](Self::begin).
    #[must_use]
    pub fn row_messages(&self) -> usize {
        self.shared.state().row_messages
    }
}

impl Drop for WireProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// What the two directions of a connection know of each other.
#[derive(Debug, Default)]
struct Exchange {
    /// Statements that the server has not answered.
    unanswered: AtomicUsize,
    /// The connection ends with the last answer, which is not handed on.
    last: AtomicBool,
    /// It ends only once somebody has asked for the end of a statement.
    until_cancelled: AtomicBool,
}

/// Both ends of a connection.
struct Ends {
    client: TcpStream,
    server: UnixStream,
}

impl Ends {
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self { client: self.client.try_clone()?, server: self.server.try_clone()? })
    }
}

fn serve(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut ends = Ends { client, server: UnixStream::connect(&shared.server)? };
    loop {
        let startup = read_startup(&mut ends.client)?;
        let code = u32::from_be_bytes([startup[4], startup[5], startup[6], startup[7]]);
        if [SSL_REQUEST, GSS_REQUEST].contains(&code) {
            ends.client.write_all(b"N")?;
            continue;
        }
        if code == CANCEL_REQUEST {
            let mut state = shared.state();
            state.was_cancelled = true;
            shared.cancelled.notify_all();
            if matches!(state.cut, Some(Cut::AfterCancel(_))) {
                return Ok(());
            }
        }
        ends.server.write_all(&startup)?;
        break;
    }
    let exchange = Exchange::default();
    let mut answering = ends.try_clone()?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = hand_answers_on(&mut answering, &exchange, shared);
            answering.close();
        });
        let result = hand_statements_on(&mut ends, &exchange, shared);
        ends.close();
        result
    })
}

fn hand_answers_on(ends: &mut Ends, exchange: &Exchange, shared: &Shared) -> std::io::Result<()> {
    let mut message = Vec::new();
    loop {
        read_message(&mut ends.server, &mut message)?;
        // Ready for the next statement, or for the rows of a COPY. The first comes after logging in.
        if matches!(message[0], b'Z' | b'G') {
            let one_less = |before: usize| Some(before.saturating_sub(1));
            let before = exchange.unanswered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
            if before.unwrap_or_default() <= 1 && exchange.last.load(Ordering::SeqCst) {
                if exchange.until_cancelled.load(Ordering::SeqCst) {
                    let wait = shared.cancelled.wait_while(shared.state(), |state| !state.was_cancelled);
                    drop(wait.unwrap_or_else(PoisonError::into_inner));
                }
                return Ok(());
            }
        }
        if !exchange.last.load(Ordering::SeqCst) {
            ends.client.write_all(&message)?;
        }
    }
}

fn hand_statements_on(ends: &mut Ends, exchange: &Exchange, shared: &Shared) -> std::io::Result<()> {
    let mut prepared = HashMap::new();
    let (mut message, mut group) = (Vec::new(), Group::default());
    loop {
        read_message(&mut ends.client, &mut message)?;
        match message[0] {
            // The password, and rows of a COPY.
            b'p' => ends.server.write_all(&message)?,
            b'd' => {
                let due = {
                    let mut state = shared.state();
                    state.row_messages += 1;
                    let number = state.row_messages - 1;
                    state.is_due(Cut::WithinRows(number))
                };
                if due {
                    return ends.server.write_all(&message[..message.len() / 2]);
                }
                ends.server.write_all(&message)?;
            }
            kind => {
                group.add(&message, &mut prepared);
                if !matches!(kind, b'Q' | b'S' | b'X') {
                    continue;
                }
                let group = std::mem::take(&mut group);
                if let Some(text) = group.text {
                    let mut state = shared.state();
                    let number = state.statements.len();
                    state.statements.push(text);
                    if state.is_due(Cut::Before(number)) {
                        return Ok(());
                    }
                    if state.is_due(Cut::AfterCancel(number)) {
                        exchange.until_cancelled.store(true, Ordering::SeqCst);
                        exchange.last.store(true, Ordering::SeqCst);
                    }
                    if state.is_due(Cut::After(number)) {
                        exchange.last.store(true, Ordering::SeqCst);
                    }
                }
                exchange.unanswered.fetch_add(1, Ordering::SeqCst);
                ends.server.write_all(&group.bytes)?;
            }
        }
    }
}

/// Messages that the server answers together.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    /// The statement; none if nothing is run.
    text: Option<String>,
}

impl Group {
    fn add(&mut self, message: &[u8], prepared: &mut HashMap<String, String>) {
        self.bytes.extend_from_slice(message);
        let body = &message[5..];
        match message[0] {
            b'Q' => self.text = Some(texts(body)[0].clone()),
            b'P' => {
                let [name, sql] = &texts(body)[..2] else { return };
                prepared.insert(name.clone(), sql.clone());
                self.text = Some(sql.clone());
            }
            b'B' => self.text = prepared.get(&texts(body)[1]).cloned(),
            b'c' | b'f' => self.text = Some("END OF COPY".to_owned()),
            _ => {}
        }
    }
}

/// The first two texts of a message, each ended by a zero.
fn texts(body: &[u8]) -> Vec<String> {
    body.splitn(3, |byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn read_startup(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; 4];
    client.read_exact(&mut message)?;
    read_body(client, &mut message, 0)?;
    if message.len() < 8 {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    Ok(message)
}

/// Reads a message: a letter, its length without the letter, and the rest.
fn read_message(from: &mut impl Read, message: &mut Vec<u8>) -> std::io::Result<()> {
    message.resize(5, 0);
    from.read_exact(message)?;
    read_body(from, message, 1)
}

fn read_body(from: &mut impl Read, message: &mut Vec<u8>, at: usize) -> std::io::Result<()> {
    let length = [message[at], message[at + 1], message[at + 2], message[at + 3]];
    let end = at + usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let begin = message.len();
    if end < begin || end > 1 << 30 {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    message.resize(end, 0);
    from.read_exact(&mut message[begin..])
}
