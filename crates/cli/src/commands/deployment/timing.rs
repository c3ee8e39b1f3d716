//! How long to wait, and how often to look.

use std::time::Duration;

use sparkify_infra::Timing;

use crate::exit::UsageError;

/// Other deadlines and pauses than those for AWS, such as `poll=10ms,ready=20s`; for tests.
const VARIABLE: &str = "SPARKIFY_AWS_TIMING";

/// The deadlines and pauses.
pub(super) fn timing() -> anyhow::Result<Timing> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    read(&text).ok_or_else(|| UsageError::new(format!("{text:?} is no value for {VARIABLE}")).into())
}

fn read(text: &str) -> Option<Timing> {
    let mut timing = Timing::default();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (name, duration) = pair.split_once('=')?;
        let duration: Duration = humantime::parse_duration(duration).ok()?;
        match name {
            "poll" => {
                timing.poll_min = duration;
                timing.poll_max = duration;
                timing.retry_pause = duration;
            }
            "ready" => timing.ready_deadline = duration,
            "settle" => timing.settle_deadline = duration,
            "probe" => timing.probe_deadline = duration,
            "connect" => timing.connect_timeout = duration,
            "doctor" => timing.doctor_deadline = duration,
            _ => return None,
        }
    }
    Some(timing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_and_pauses_can_be_set_one_by_one() {
        assert_eq!(read(""), Some(Timing::default()));
        let timing = read("poll=10ms,ready=20s").unwrap();
        assert_eq!(
            (timing.poll_min, timing.poll_max),
            (Duration::from_millis(10), Duration::from_millis(10))
        );
        assert_eq!(timing.ready_deadline, Duration::from_secs(20));
        assert_eq!(timing.settle_deadline, Timing::default().settle_deadline);
        for text in ["poll", "poll=soon", "pull=1s"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
