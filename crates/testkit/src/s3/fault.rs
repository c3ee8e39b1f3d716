//! What can be made to go wrong.

use std::time::Duration;

use bytes::Bytes;

use super::request::{Operation, Request};

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Effect {
    /// 503 `SlowDown`.
    SlowDown,
    /// 500 `InternalError`.
    InternalError,
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 404 `NoSuchBucket`.
    NoSuchBucket,
    /// 301 `PermanentRedirect` that names the right region.
    PermanentRedirect(String),
    /// 400 `AuthorizationHeaderMalformed` that names the right region.
    AuthorizationHeaderMalformed(String),
    /// 400 `ExpiredToken`.
    ExpiredToken,
    /// The connection is closed without an answer.
    CutConnection,
    /// The connection is closed after so many bytes of the body.
    CutBody(usize),
    /// After so many bytes of the body nothing more comes, and the connection stays open.
    Stall(usize),
    /// The answer comes later.
    Delay(Duration),
    /// The answer has another ETag than the object.
    WrongETag,
    /// The object gets other content before the request is answered.
    Replace(Bytes),
    /// The object is deleted before the request is answered.
    Delete,
}

/// A fault that waits for its requests: the first ones of its operation and key, after those skipped, as
/// often as said. Of several faults for one request the first has effect.
#[derive(Debug, Clone)]
pub struct Fault {
    operation: Option<Operation>,
    key: String,
    skip: u64,
    times: u64,
    effect: Effect,
}

impl Fault {
    /// A fault in the next request of that operation.
    #[must_use]
    pub fn on(operation: Operation, effect: Effect) -> Self {
        Self { operation: Some(operation), ..Self::any(effect) }
    }

    /// A fault in the next request.
    #[must_use]
    pub const fn any(effect: Effect) -> Self {
        Self { operation: None, key: String::new(), skip: 0, times: 1, effect }
    }

    /// The same for keys (or prefixes of listings) that begin so.
    #[must_use]
    pub fn key(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.key);
        self
    }

    /// The same after so many requests have passed unharmed.
    #[must_use]
    pub const fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// The same for so many requests.
    #[must_use]
    pub const fn times(mut self, requests: u64) -> Self {
        self.times = requests;
        self
    }

    /// The same for all requests from then on.
    #[must_use]
    pub const fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// The effect of the first of the faults that is for this request.
    pub(super) fn take(faults: &mut Vec<Self>, request: &Request) -> Option<Effect> {
        let mut effect = None;
        for fault in faults.iter_mut() {
            let is_for = fault.operation.is_none_or(|operation| operation == request.operation)
                && request.subject().starts_with(&fault.key);
            if !is_for {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times > 0 {
                fault.times = if fault.times == u64::MAX { u64::MAX } else { fault.times - 1 };
                effect = Some(fault.effect.clone());
                break;
            }
        }
        faults.retain(|fault| fault.times > 0);
        effect
    }
}
