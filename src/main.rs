//! Parse, run, exit code: nothing else.

use std::process::ExitCode;
use telltale::cli;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(command) => cli::run(command),
        Err(said) => said.exit_code(),
    }
}
