//! A proxy in front of an HTTP server that counts calls, records them, and breaks the ones it is told to.
//!
//! It knows how AWS's protocols name an operation and spell an error, so that a fault can be meant for one
//! operation, and an answer can be an error that the client understands.

mod message;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use message::Request;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFault {
    /// The connection breaks before the server hears of the call.
    CutBefore,
    /// The server does what it is asked to, and its answer is lost.
    CutAfter,
    /// The server does not hear of it, and the client waits until [`HttpProxy::release`] or its own end.
    HoldBefore,
    /// The server does it, and the client waits for the answer.
    HoldAfter,
    /// The answer is an error and the server does not hear of it.
    Error {
        /// The status, such as 503.
        status: u16,
        /// AWS's name of the error, such as `Throttling`.
        code: String,
        /// What it says.
        message: String,
    },
}

impl HttpFault {
    /// An error that says the server is overloaded.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::error(503, "ServiceUnavailable", "the service is overloaded")
    }

    /// An error of that status and name.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Error { status, code: code.to_owned(), message: message.to_owned() }
    }
}

/// A call that came by.
#[derive(Debug, Clone)]
pub struct HttpCall {
    /// The operation, such as `redshift:CreateCluster`.
    pub operation: String,
    /// The request as it was sent.
    pub request: String,
    /// The answer as it was sent; empty if there was none.
    pub response: String,
}

/// Which calls a fault is meant for.
#[derive(Debug)]
enum When {
    /// The one with that number, from 0.
    Number(usize),
    /// That one and all that follow.
    From(usize),
    /// As many more calls of an operation.
    Operation { name: String, times: usize },
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<HttpCall>,
    faults: Vec<(When, HttpFault)>,
    /// How many calls are held.
    held: usize,
    releases: usize,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    /// Headers that each request gets.
    headers: Vec<(String, String)>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The proxy; it listens until it is dropped.
#[derive(Debug)]
pub struct HttpProxy {
    port: u16,
    shared: Arc<Shared>,
}

impl HttpProxy {
    /// A proxy on a free port of this machine for the server at `target`, which gets these headers with
    /// each request.
    #[must_use]
    pub fn start(target: SocketAddr, headers: Vec<(String, String)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { target, headers, state, changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.state().closed {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // What a client does wrong is its own affair, and a broken connection is what we are for.
                thread::spawn(move || client.and_then(|client| shared.serve(&client)));
            }
        });
        Self { port, shared }
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Breaks the call with that number, counted from 0.
    pub fn break_call(&self, number: usize, fault: HttpFault) {
        self.shared.state().faults.push((When::Number(number), fault));
    }

    /// Breaks the call with that number and every later one.
    pub fn break_from(&self, number: usize, fault: HttpFault) {
        self.shared.state().faults.push((When::From(number), fault));
    }

    /// Breaks the next calls of an operation, such as `iam:DeleteRole`.
    pub fn break_operation(&self, name: &str, times: usize, fault: HttpFault) {
        let name = name.to_owned();
        self.shared.state().faults.push((When::Operation { name, times }, fault));
    }

    /// Forgets calls and faults, and counts from 0 again.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.calls.clear();
        state.faults.clear();
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<HttpCall> {
        self.shared.state().calls.clone()
    }

    /// The operations of the calls so far.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.shared.state().calls.iter().map(|call| call.operation.clone()).collect()
    }

    /// Waits until a call is held; `false` if none is within that time.
    #[must_use]
    pub fn wait_until_held(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.shared.state();
        while state.held == 0 {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            state = self.shared.wait(state, left);
        }
        true
    }

    /// Lets the calls that are held go on: what is held before goes to the server, what is held after
    /// gets its answer.
    pub fn release(&self) {
        self.shared.state().releases += 1;
        self.shared.changed.notify_all();
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// One call of a connection, which is closed after it.
    fn serve(&self, client: &TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::read(client)? else { return Ok(()) };
        let (number, fault) = self.begin(&request);
        match fault {
            Some(HttpFault::CutBefore) => return client.shutdown(Shutdown::Both),
            Some(HttpFault::Error { status, code, message }) => {
                let answer = request.error(status, &code, &message);
                return self.answer(client, number, &answer);
            }
            Some(HttpFault::HoldBefore) if !self.hold(client) => return client.shutdown(Shutdown::Both),
            _ => {}
        }
        let answer = self.forward(&request)?;
        match fault {
            Some(HttpFault::CutAfter) => return client.shutdown(Shutdown::Both),
            Some(HttpFault::HoldAfter) if !self.hold(client) => return client.shutdown(Shutdown::Both),
            _ => {}
        }
        self.answer(client, number, &answer)
    }

    /// Notes the call and finds what is to go wrong with it.
    fn begin(&self, request: &Request) -> (usize, Option<HttpFault>) {
        let mut state = self.state();
        let number = state.calls.len();
        let operation = request.operation();
        state.calls.push(HttpCall {
            operation: operation.clone(),
            request: request.text(),
            response: String::new(),
        });
        let fault = state.faults.iter_mut().find_map(|(when, fault)| {
            let meant = match when {
                When::Number(chosen) => *chosen == number,
                When::From(first) => *first <= number,
                When::Operation { name, times } => {
                    let meant = *name == operation && *times > 0;
                    *times -= usize::from(meant);
                    meant
                }
            };
            meant.then(|| fault.clone())
        });
        (number, fault)
    }

    /// Waits until the tests or the client end it; whether the call goes on.
    fn hold(&self, client: &TcpStream) -> bool {
        let mut state = self.state();
        state.held += 1;
        let releases = state.releases;
        self.changed.notify_all();
        let goes_on = loop {
            if state.releases > releases {
                break true;
            }
            if state.closed || is_gone(client) {
                break false;
            }
            state = self.wait(state, Duration::from_millis(20));
        };
        state.held -= 1;
        goes_on
    }

    fn forward(&self, request: &Request) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(self.target)?;
        server.write_all(&request.with_headers(&self.headers))?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn answer(&self, mut client: &TcpStream, number: usize, answer: &[u8]) -> std::io::Result<()> {
        if let Some(call) = self.state().calls.get_mut(number) {
            call.response = String::from_utf8_lossy(answer).into_owned();
        }
        client.write_all(answer)
    }
}

/// Whether the other end has closed the connection.
fn is_gone(client: &TcpStream) -> bool {
    let _ = client.set_nonblocking(true);
    let gone = match client.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    let _ = client.set_nonblocking(false);
    gone
}

#[cfg(test)]
mod tests;
