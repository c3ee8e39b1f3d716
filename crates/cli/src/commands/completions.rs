//! `completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;

pub(super) fn run(shell: Shell) -> anyhow::Result<()> {
    // Through a buffer: clap panics when standard output is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sparkify-cli", &mut script);
    std::io::Write::write_all(&mut crate::output::stdout(), &script)?;
    Ok(())
}
