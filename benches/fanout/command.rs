//! What this program is told to be: the comparison, or one of the processes that the comparison starts.

use crate::{Result, client, compare, feed, floor, nchan, options, telltale};

pub(crate) fn run() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve-telltale", source] => telltale::run(feed::source(source)?),
        ["serve-floor"] => floor::run(),
        ["publish", port, rate] => nchan::publish(port.parse()?, rate.parse()?),
        ["load", rest @ ..] => client::run(&client::Plan::read(rest)?),
        rest => compare::run(&options::Options::read(rest)?),
    }
}
