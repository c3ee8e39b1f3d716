//! Time and memory of a process.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a process took.
pub(crate) struct Measured {
    /// From its start to its end.
    pub(crate) elapsed: Duration,
    /// The CPU time that it took, to some milliseconds.
    pub(crate) cpu: Duration,
    /// The most memory that it had, in MiB.
    pub(crate) peak_mib: u64,
}

/// Runs a process, which must succeed, and watches its memory.
pub(crate) fn measure(command: &mut Command) -> Measured {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut peak_kib = 0;
    let mut cpu = Duration::ZERO;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        cpu = cpu.max(cpu_of(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{command:?}");
    Measured { elapsed: begin.elapsed(), cpu, peak_mib: peak_kib / 1024 }
}

/// The CPU time of a process so far: fields 14 and 15 of its status, in hundredths of a second.
fn cpu_of(pid: u32) -> Duration {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = status.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
