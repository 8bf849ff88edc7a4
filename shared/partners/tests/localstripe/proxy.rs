//! A wire to the processor on which requests and answers get lost, come twice, or come late.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is lost.
    RequestLost,
    /// It has its effect, and the answer is lost.
    AnswerLost,
    /// It comes twice, and the second answer is what the caller hears.
    Twice,
    /// It is lost for its caller, and comes when [`Proxy::deliver_late`] says so.
    Late,
}

/// The proxy of one test.
#[derive(Clone)]
pub struct Proxy {
    upstream: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    late: Vec<Vec<u8>>,
    calls: Vec<&'static str>,
}

impl Proxy {
    /// Listens on a free port for the server at `upstream`. Returns the proxy and its URL.
    pub async fn start(upstream: u16) -> (Self, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self { upstream, state: Arc::default() };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        (proxy, url)
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next call of this name goes wrong.
    pub fn script(&self, call: &'static str, fault: Fault) {
        self.with(|state| state.faults.entry(call).or_default().push_back(fault));
    }

    /// How often a call of this name was sent.
    pub fn calls(&self, call: &str) -> usize {
        self.with(|state| state.calls.iter().filter(|sent| **sent == call).count())
    }

    /// What came late comes now.
    pub async fn deliver_late(&self) {
        for request in self.with(|state| std::mem::take(&mut state.late)) {
            self.forward(&request).await;
        }
    }

    async fn serve(&self, mut client: TcpStream) {
        let Some(request) = read_request(&mut client).await else { return };
        let call = call_of(&request);
        let fault = self.with(|state| {
            state.calls.push(call);
            state.faults.get_mut(call).and_then(VecDeque::pop_front)
        });
        let answer = match fault {
            None => Some(self.forward(&request).await),
            Some(Fault::RequestLost) => None,
            Some(Fault::Late) => {
                self.with(|state| state.late.push(request));
                None
            }
            Some(Fault::AnswerLost) => {
                self.forward(&request).await;
                None
            }
            Some(Fault::Twice) => {
                self.forward(&request).await;
                Some(self.forward(&request).await)
            }
        };
        // A connection that closes without an answer is an unknown outcome for its caller.
        if let Some(answer) = answer {
            let _ = client.write_all(&answer).await;
        }
    }

    async fn forward(&self, request: &[u8]) -> Vec<u8> {
        let mut server = TcpStream::connect(("127.0.0.1", self.upstream)).await.unwrap();
        server.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await.unwrap();
        answer
    }
}

/// One request, as it is sent on: on a connection of its own, and without the one filter that localstripe does not know.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if read.len() >= end + 4 + length.unwrap_or(0_usize) {
                let (first, rest) = head.split_once("\r\n")?;
                let first = without_created(first);
                return Some([format!("{first}\r\nConnection: close\r\n{rest}").as_bytes(), &read[end..]].concat());
            }
        }
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
}

fn without_created(first: &str) -> String {
    let Some((path, rest)) = first.split_once('?') else { return first.to_owned() };
    let (query, version) = rest.split_once(' ').unwrap();
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("created")).collect();
    format!("{path}?{} {version}", kept.join("&"))
}

fn call_of(request: &[u8]) -> &'static str {
    let line = String::from_utf8_lossy(request);
    let mut words = line.split([' ', '?']);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    match (method, segments.as_slice()) {
        ("POST", ["payment_intents"]) => "create",
        ("POST", ["payment_intents", _, "confirm"]) => "confirm",
        ("POST", ["payment_intents", _, "capture"]) => "capture",
        ("POST", ["payment_intents", _, "cancel"]) => "cancel",
        ("GET", ["payment_intents"]) => "list",
        ("GET", ["payment_intents", _]) => "retrieve",
        ("POST", ["refunds"]) => "refund",
        ("GET", ["refunds"]) => "refunds",
        _ => panic!("no call of the adapter: {line}"),
    }
}
