//! Waiting: pauses that grow, with a random part, until a deadline; requests that are repeated.

use std::{future::Future, time::Duration};

use crate::{
    deployment::Deployment,
    error::{Error, Result},
    events::Event,
    plan::ResourceKind,
    services::{Answer, ErrorKind, Tags},
};

/// Half of it for sure, half of it at random, so that two that wait for the same do not ask in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// What one look at a resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look<T> {
    /// What was waited for has come.
    Done(T),
    /// Not yet; the state in AWS's words.
    Pending(String),
}

impl<T> Look<T> {
    /// The same with something else in the place of what has come.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Look<U> {
        match self {
            Self::Done(done) => Look::Done(change(done)),
            Self::Pending(state) => Look::Pending(state),
        }
    }
}

/// The resource that is worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) name: &'a str,
}

impl<'a> Subject<'a> {
    pub(crate) const fn new(kind: ResourceKind, name: &'a str) -> Self {
        Self { kind, name }
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Deployment {
    /// Makes a request, and makes it again while its failure may pass: throttling and the like for a minute
    /// each time; the further `kinds`, which say that something is not settled yet, for longer in all.
    pub(crate) async fn insist<T, F, Fut>(
        &self,
        subject: Subject<'_>,
        kinds: &[ErrorKind],
        request: F,
    ) -> Answer<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Answer<T>>,
    {
        let clock = &self.services.clock;
        let started = clock.monotonic();
        let mut disturbed: Option<Duration> = None;
        let mut pause = self.timing.retry_pause;
        loop {
            let error = match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let now = clock.monotonic();
            // A disturbance has a deadline of its own, from its first answer of that kind: it may come at the end
            // of a long wait for something to settle.
            let (since, deadline) = if error.is_transient() {
                (*disturbed.get_or_insert(now), self.timing.transient_deadline)
            } else if kinds.contains(&error.kind) {
                disturbed = None;
                (started, self.timing.settle_deadline)
            } else {
                return Err(error);
            };
            let elapsed = now.saturating_sub(since);
            if elapsed >= deadline {
                return Err(error);
            }
            let left = deadline - elapsed;
            let this = jittered(pause).min(left);
            self.observer.event(&Event::Retrying {
                resource: subject.kind,
                name: subject.name.to_owned(),
                reason: error.to_string(),
                pause: this,
                left,
            });
            clock.sleep(this).await;
            pause = (pause * 2).min(self.timing.poll_max);
        }
    }

    /// What is already there when it was to be made: somebody else made it just now, or an answer was lost. It is
    /// taken if it is ours.
    pub(crate) async fn adopt<T, F, Fut>(
        &self,
        subject: Subject<'_>,
        read: F,
        tags: fn(&T) -> &Tags,
    ) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Option<T>>>,
    {
        self.wait_for(subject, "visible", || async {
            match read().await? {
                None => Ok(Look::Pending("not visible yet".to_owned())),
                Some(found) if self.owns(tags(&found)) => Ok(Look::Done(found)),
                Some(_) => Err(Error::Conflict { names: vec![subject.to_string()] }),
            }
        })
        .await
    }

    /// Looks again and again until what is awaited has come, or the deadline.
    pub(crate) async fn wait_for<T, F, Fut>(
        &self,
        subject: Subject<'_>,
        awaited: &'static str,
        look: F,
    ) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Look<T>>>,
    {
        let clock = &self.services.clock;
        let started = clock.monotonic();
        let mut pause = self.timing.poll_min;
        let mut pended = false;
        loop {
            let look = look().await?;
            let elapsed = clock.monotonic().saturating_sub(started);
            let state = match look {
                Look::Done(done) => {
                    if pended {
                        let (resource, name) = (subject.kind, subject.name.to_owned());
                        self.observer.event(&Event::Reached { resource, name, awaited, elapsed });
                    }
                    return Ok(done);
                }
                Look::Pending(state) => state,
            };
            pended = true;
            self.observer.event(&Event::Waiting {
                resource: subject.kind,
                name: subject.name.to_owned(),
                state: state.clone(),
                elapsed,
            });
            let deadline = self.timing.ready_deadline;
            if elapsed >= deadline {
                return Err(Error::Deadline {
                    resource: subject.kind,
                    name: subject.name.to_owned(),
                    awaited,
                    waited: elapsed,
                    state,
                });
            }
            clock.sleep(jittered(pause).min(deadline - elapsed)).await;
            pause = pause.mul_f64(1.25).min(self.timing.poll_max);
        }
    }
}
