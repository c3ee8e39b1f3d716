//! Standard output, whose reader may have seen enough.

use std::io::{Error, ErrorKind, Result, Stdout, Write};

/// The reader of standard output has closed it.
#[derive(Debug, thiserror::Error)]
#[error("the reader of standard output has closed it")]
struct Unread;

/// Standard output. Its errors can be told from those of other pipes and sockets.
#[derive(Debug)]
pub(crate) struct Output(Stdout);

/// Where results go.
#[allow(clippy::disallowed_methods)]
pub(crate) fn stdout() -> Output {
    Output(std::io::stdout())
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(marked)
    }
}

fn marked(error: Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Error::new(ErrorKind::BrokenPipe, Unread),
        _ => error,
    }
}

/// Whether an error comes from a standard output that was closed.
pub(crate) fn is_unread(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<Error>()
            .and_then(Error::get_ref)
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Unread>)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn only_a_closed_standard_output_is_told_to_be_unread() {
        let broken = || Error::from(ErrorKind::BrokenPipe);
        let unread = Err::<(), _>(marked(broken())).context("the results cannot be printed").unwrap_err();
        assert!(is_unread(&unread));
        for other in [broken(), Error::other(broken()), marked(ErrorKind::StorageFull.into())] {
            assert!(!is_unread(&Err::<(), _>(other).context("a file cannot be read").unwrap_err()));
        }
    }
}
