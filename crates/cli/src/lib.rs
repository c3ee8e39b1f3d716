//! The command line: arguments, configuration and output around the library crates.
//!
//! It has no logic of its own: a command reads its settings, opens what they name and calls a library.
//! Results go to standard output; progress, logs and errors to standard error.
//!
//! # Example
//!
//! ```
//! use clap::Parser;
//! use sparkify_cli::args::{Cli, Command};
//!
//! let cli = Cli::try_parse_from(["sparkify-cli", "etl", "--source", "data", "--max-errors", "10"])?;
//! assert!(matches!(cli.command, Command::Etl(_)));
//! assert_eq!(cli.global.max_errors.as_deref(), Some("10"));
//! # Ok::<(), clap::Error>(())
//! ```

pub mod args;
mod commands;
pub mod config;
mod exit;
mod logging;
mod output;
mod panics;
mod progress;
mod stop;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;

use crate::config::ConfigFile;

/// Parses the arguments of the process, runs the command and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = args::Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    let begun = begin(&cli.global);
    let file = begun.as_ref().ok().map(|(_, file)| file);
    let forms = config::Forms::guess(&cli.global, &|name| std::env::var(name).ok(), file);
    panics::report(forms);
    match run(cli, begun) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, forms),
    }
}

/// Where the program was started, and its configuration file.
type Begun = anyhow::Result<(PathBuf, ConfigFile)>;

fn begin(arguments: &args::GlobalArgs) -> Begun {
    let directory = std::env::current_dir().context("the current directory cannot be found out")?;
    let file = ConfigFile::read(arguments.config.as_deref(), &directory)?;
    Ok((directory, file))
}

/// Prints what is wrong with the arguments, or the help, and ends the process. An argument that may hold a password is
/// not repeated.
fn refuse(error: &clap::Error) -> ! {
    let secrets = config::secrets_among(std::env::args().skip(1));
    if secrets.is_empty() {
        error.exit();
    }
    let text = secrets.iter().fold(error.to_string(), |text, secret| text.replace(secret, config::MASK));
    // Nothing can be done if standard error is closed.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    std::process::exit(error.exit_code());
}

fn run(cli: args::Cli, begun: Begun) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let result = runtime.block_on(commands::run(cli, begun));
    // A blocking thread may still be inside the engine; do not wait for it.
    runtime.shutdown_background();
    result
}
