//! The stream to very many subscribers: CPU, delay and memory beside nchan, Node and the least that is possible.
//!
//! `./dev bench fanout` runs everything five times in turn; `--runs N`, `--seconds S`, `--only telltale,floor` and
//! `--load 1000x10` (or `connect`, `wire`) make it shorter. Servers have the first core, clients the second.

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod compare;
#[cfg(target_os = "linux")]
mod feed;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod nchan;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod rig;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
mod stamp;
#[cfg(target_os = "linux")]
mod telltale;
#[cfg(target_os = "linux")]
#[path = "../store/trace.rs"]
mod trace;
#[cfg(target_os = "linux")]
mod usage;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[cfg(target_os = "linux")]
fn main() -> Result {
    command::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("fanout needs epoll and /proc: it runs on Linux alone");
}
