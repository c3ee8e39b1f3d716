//! How long to wait, and how often to look.

use std::time::Duration;

/// The deadlines and pauses of the operations. The defaults are for AWS; tests set others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The shortest pause between two looks at a resource. It grows up to `poll_max`.
    pub poll_min: Duration,
    /// The longest pause between two looks at a resource.
    pub poll_max: Duration,
    /// The first pause before a request is repeated. It doubles up to `poll_max`; a part of each is random.
    pub retry_pause: Duration,
    /// How long a cluster or workgroup may take to become ready, to be paused, resumed or deleted.
    pub ready_deadline: Duration,
    /// How long requests are repeated that are throttled or not answered, on top of what the SDK does.
    pub transient_deadline: Duration,
    /// How long requests are repeated that are refused because something is not known everywhere yet, still
    /// in use, or busy.
    pub settle_deadline: Duration,
    /// How long the endpoint of a ready warehouse is tried.
    pub probe_deadline: Duration,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long `doctor` may take in all.
    pub doctor_deadline: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll_min: Duration::from_secs(5),
            poll_max: Duration::from_secs(20),
            retry_pause: Duration::from_secs(2),
            ready_deadline: Duration::from_secs(45 * 60),
            transient_deadline: Duration::from_secs(60),
            settle_deadline: Duration::from_secs(10 * 60),
            probe_deadline: Duration::from_secs(3 * 60),
            connect_timeout: Duration::from_secs(5),
            doctor_deadline: Duration::from_secs(15),
        }
    }
}
