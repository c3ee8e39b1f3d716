//! Time and memory of a process.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a process took.
pub(crate) struct Measured {
    /// From its start to its end.
    pub(crate) elapsed: Duration,
    /// The most memory that it had, in MiB.
    pub(crate) peak_mib: u64,
}

/// Runs a process, which must succeed, and watches its memory.
pub(crate) fn measure(command: &mut Command) -> Measured {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut peak_kib = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{command:?}");
    Measured { elapsed: begin.elapsed(), peak_mib: peak_kib / 1024 }
}
