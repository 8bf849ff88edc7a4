//! Processes: who they are, who started them, and how to end them without ever ending somebody else's.
//!
//! A pid alone is not an identity, since the kernel uses it again. A pid with the time at which its process started is,
//! until the machine restarts; and every process of a local cloud carries that cloud's mark in its environment. All of
//! this is read from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// The environment variable that marks every process of one local cloud; its value is that cloud's id.
pub const CLOUD_ID: &str = "CARRYOUT_CLOUD_ID";

/// The environment variable that says which checkout a local cloud belongs to, should its record be lost.
pub const CLOUD_PROJECT: &str = "CARRYOUT_CLOUD_PROJECT";

/// One process, told apart from later ones that get the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: i32,
    /// When it started, in clock ticks after boot (field 22 of `/proc/PID/stat`).
    pub start_time: u64,
}

impl ProcessIdentity {
    /// The process that has `pid` now; `None` where there is none, or only its exit status is left.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.is_over()).then_some(Self { pid, start_time: stat.start_time })
    }

    /// Whether this very process still runs.
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// The command line, for people to recognise the process by.
    pub fn command(self) -> String {
        command(self.pid)
    }

    /// Ends this very process on the spot, as the kernel does where memory runs out.
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    fn signal(self, signal: Signal) {
        // Checked at the last moment: between finding a process and signalling it, it may have ended and its pid
        // been given away. A failure means that it is gone, which is what was wanted.
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            let _ = kill_process(pid, signal);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: i32,
    start_time: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses and may itself hold spaces and parentheses, so the
    /// fields are counted from the last closing one.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    fn is_over(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Every process below `ancestor`, however deep. To be asked before the ancestor ends, since orphans lose the tie.
pub fn descendants(ancestor: ProcessIdentity) -> Vec<ProcessIdentity> {
    if !ancestor.is_alive() {
        return Vec::new();
    }
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in pids() {
        if let Some(stat) = Stat::read(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    below(ancestor.pid, &children).into_iter().filter_map(ProcessIdentity::of).collect()
}

fn below(ancestor: i32, children: &BTreeMap<i32, Vec<i32>>) -> Vec<i32> {
    let mut found = Vec::new();
    let mut waiting = vec![ancestor];
    while let Some(parent) = waiting.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            found.push(*child);
            waiting.push(*child);
        }
    }
    found
}

/// Every process whose environment holds `name=value`.
pub fn marked(name: &str, value: &str) -> Vec<ProcessIdentity> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    pids()
        .filter(|pid| *pid != own)
        .filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|bytes| holds(&bytes, name, value)))
        .filter_map(ProcessIdentity::of)
        .collect()
}

fn holds(environment: &[u8], name: &str, value: &str) -> bool {
    let entry = format!("{name}={value}");
    environment.split(|byte| *byte == 0).any(|item| item == entry.as_bytes())
}

/// A variable of another process's environment.
pub fn variable(pid: i32, name: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = format!("{name}=");
    bytes.split(|byte| *byte == 0).find_map(|item| String::from_utf8_lossy(item).strip_prefix(&prefix).map(str::to_owned))
}

fn command(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    if words.is_empty() {
        return fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    }
    words.join(" ")
}

/// Ends everything that `find` names: asks first, insists after `grace`. `find` is asked again each round, since what
/// is being ended may still start something. Returns what was ended with its command line, and what would not end.
pub async fn end(find: impl Fn() -> Vec<ProcessIdentity>, grace: Duration) -> Ended {
    let mut seen = BTreeMap::new();
    let mut asked = BTreeSet::new();
    let begun = Instant::now();
    loop {
        let running = find();
        for process in &running {
            seen.entry(*process).or_insert_with(|| process.command());
        }
        // What `find` no longer reaches (a child whose parent is gone) counts for as long as it lives.
        let alive: Vec<_> = seen.keys().copied().filter(|process| process.is_alive()).collect();
        if alive.is_empty() || begun.elapsed() > grace + Duration::from_secs(5) {
            let survivors = alive.iter().map(|process| process.pid).collect();
            return Ended { processes: seen.into_iter().map(|(process, command)| (process.pid, command)).collect(), survivors };
        }
        for process in alive {
            if begun.elapsed() > grace {
                process.signal(Signal::KILL);
            } else if asked.insert(process) {
                process.signal(Signal::TERM);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What [`end`] came to.
#[derive(Debug, Default)]
pub struct Ended {
    /// Pid and command line of each process that was to end.
    pub processes: Vec<(i32, String)>,
    /// Pids that outlived even `SIGKILL`: somebody else's, or stuck in the kernel.
    pub survivors: Vec<i32>,
}

/// Who listens on a loopback port.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The process id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
}

/// The process that listens on TCP `port`, where `/proc` lets us see it (other users' processes stay hidden).
pub fn listener(port: u16) -> Option<Listener> {
    let inodes: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    pids().find(|pid| holds_socket(*pid, &inodes)).map(|pid| Listener { pid, command: command(pid) })
}

/// The socket inodes in the state LISTEN (`0A`) with this local port.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A";
            listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

fn holds_socket(pid: i32, inodes: &BTreeSet<String>) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(
        |link| {
            link.to_str()
                .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'))
                .is_some_and(|inode| inodes.contains(inode))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn sleeper(id: &str) -> Child {
        Command::new("sleep").arg("600").env(CLOUD_ID, id).stdout(Stdio::null()).spawn().unwrap()
    }

    fn identity(child: &Child) -> ProcessIdentity {
        ProcessIdentity::of(child.id().cast_signed()).unwrap()
    }

    #[test]
    fn stat_is_read_past_a_name_with_spaces_and_parentheses() {
        let line = "4242 (a) b (c) S 17 4242 4242 0 -1 4194304 1 0 0 0 5 6 7 8 20 0 1 0 987654 1 2";
        assert_eq!(Stat::parse(line), Some(Stat { state: 'S', parent: 17, start_time: 987_654 }));
        assert_eq!(Stat::parse("garbage"), None);
    }

    #[test]
    fn a_recycled_pid_is_another_process() {
        let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
        assert!(own.is_alive());
        assert!(!ProcessIdentity { start_time: own.start_time + 1, ..own }.is_alive());
    }

    #[test]
    fn an_exited_child_that_nobody_reaped_is_not_alive() {
        let mut child = sleeper("zombie-test");
        let process = identity(&child);
        child.kill().unwrap();
        while Stat::read(process.pid).is_some_and(|stat| !stat.is_over()) {
            std::thread::yield_now();
        }
        assert!(!process.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn descendants_reach_grandchildren() {
        let children = BTreeMap::from([(1, vec![2, 3]), (3, vec![4]), (9, vec![10])]);
        let mut found = below(1, &children);
        found.sort_unstable();
        assert_eq!(found, [2, 3, 4]);
    }

    #[test]
    fn a_mark_is_matched_whole() {
        let environment = b"PATH=/bin\0CARRYOUT_CLOUD_ID=abc\0";
        assert!(holds(environment, CLOUD_ID, "abc"));
        assert!(!holds(environment, CLOUD_ID, "ab"));
        assert!(!holds(environment, CLOUD_ID, "abcd"));
    }

    #[tokio::test]
    async fn only_marked_processes_are_ended() {
        let id = format!("end-test-{}", std::process::id());
        let mut ours = sleeper(&id);
        let mut other = sleeper("somebody-else");
        // A child shows its environment only after it has replaced its parent's image.
        while marked(CLOUD_ID, &id).is_empty() {
            tokio::task::yield_now().await;
        }

        let ended = end(|| marked(CLOUD_ID, &id), Duration::from_secs(5)).await;

        assert_eq!(ended.processes, [(ours.id().cast_signed(), "sleep 600".to_owned())]);
        assert!(ended.survivors.is_empty());
        assert!(identity(&other).is_alive());
        other.kill().unwrap();
        other.wait().unwrap();
        ours.wait().unwrap();
    }

    #[tokio::test]
    async fn what_ignores_the_request_is_killed_after_the_grace() {
        let id = format!("stubborn-test-{}", std::process::id());
        let script = "trap '' TERM; echo ready; while :; do sleep 600; done";
        let mut child = Command::new("sh").args(["-c", script]).env(CLOUD_ID, &id).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();

        let ended = end(|| marked(CLOUD_ID, &id), Duration::from_millis(100)).await;

        assert!(ended.survivors.is_empty());
        assert!(marked(CLOUD_ID, &id).is_empty());
        child.wait().unwrap();
    }

    #[test]
    fn finds_who_listens_on_a_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listener(port).unwrap().pid, std::process::id().cast_signed());
        drop(socket);
        assert!(listener(port).is_none());
    }
}
