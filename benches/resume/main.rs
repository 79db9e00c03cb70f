//! What clients miss or get twice over a thousand disconnects and twenty restarts of the server: nothing.
//!
//! `./dev bench resume` runs `target/release/telltale`, or what `TELLTALE_BIN` names, for some three minutes;
//! `--disconnects N`, `--restarts N` and `--seed N` change that. It fails when anything is lost or doubled.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod body;
mod client;
mod dice;
mod server;
mod verdict;

use client::Kind;
use dice::Dice;
use server::Server;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "resume [--disconnects N] [--restarts N] [--seed N]";
const CLIENTS: usize = 16;
/// For the last samples to reach everybody, undisturbed.
const CALM: Duration = Duration::from_secs(9);

/// What all clients look at.
pub(crate) struct Scene {
    pub(crate) port: u16,
    pub(crate) disconnects: AtomicUsize,
    /// From now on nobody leaves.
    pub(crate) is_calm: AtomicBool,
    pub(crate) is_over: AtomicBool,
}

fn main() -> Result<ExitCode> {
    let (mut disconnects, mut restarts, mut seed) = (1_000, 20, now_ms().unsigned_abs());
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    for pair in arguments.chunks(2) {
        match pair {
            [name, count] if name == "--disconnects" => disconnects = count.parse()?,
            [name, count] if name == "--restarts" => restarts = count.parse()?,
            [name, count] if name == "--seed" => seed = count.parse()?,
            _ => return Err(format!("{pair:?}? {USAGE}").into()),
        }
    }
    println!("{disconnects} disconnects of {CLIENTS} clients and {restarts} restarts, --seed {seed}");
    let mut dice = Dice::new(seed);
    let mut server = Server::start()?;
    let began = now_ms();
    let scene = Arc::new(Scene {
        port: server.port(),
        disconnects: AtomicUsize::new(0),
        is_calm: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (scene, dice) = (Arc::clone(&scene), Dice::new(dice.next()));
            thread::spawn(move || client::run(&scene, Kind::ALL[number % Kind::ALL.len()], dice))
        })
        .collect();
    let mut kills = Vec::new();
    for restart in 0..restarts {
        thread::sleep(Duration::from_millis(dice.between(5_000, 10_000)));
        if restart % 2 == 0 {
            server.stop()?;
        } else {
            kills.push(now_ms());
            server.kill()?;
        }
        // Some are away for less than a tick, some for several.
        thread::sleep(Duration::from_millis(dice.between(0, 1_500)));
        server.start_again()?;
        eprintln!("{} restarts, {} disconnects", restart + 1, scene.disconnects.load(Ordering::Relaxed));
    }
    while scene.disconnects.load(Ordering::Relaxed) < disconnects {
        thread::sleep(Duration::from_millis(100));
    }
    scene.is_calm.store(true, Ordering::Relaxed);
    thread::sleep(CALM);
    let end = now_ms() - 1_000;
    scene.is_over.store(true, Ordering::Relaxed);
    let mut received = Vec::new();
    for client in clients {
        received.push(client.join().map_err(|_| "a client has failed")?);
    }
    let history = verdict::History::ask(server.port(), began - 2_000, end)?;
    let verdict = verdict::judge(&received, &history, &kills, end);
    verdict.print(scene.disconnects.load(Ordering::Relaxed), restarts, received.len(), history.values.len());
    Ok(if verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
