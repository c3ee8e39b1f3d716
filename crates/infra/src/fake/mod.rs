//! AWS in memory, for tests: states that take their time, resources that hold each other, and faults at any call.

mod clusters;
mod network;
mod others;
mod roles;
mod serverless;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    Deployment, DeploymentConfig, Services,
    events::{Event, Observer},
    services::*,
};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-west-2";

/// What exists. Two of them are compared to say that two ways led to the same end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) groups: BTreeMap<String, SecurityGroup>,
    pub(crate) subnet_groups: BTreeMap<String, SubnetGroup>,
    pub(crate) parameter_groups: BTreeMap<String, ParameterGroup>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) namespaces: BTreeMap<String, Namespace>,
    pub(crate) workgroups: BTreeMap<String, Workgroup>,
    pub(crate) limits: Vec<(String, ExistingUsageLimit)>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) secrets: Vec<SecretEntry>,
    pub(crate) buckets: BTreeMap<String, Region>,
    /// What lies below a prefix, by `bucket/prefix`.
    pub(crate) stored: BTreeMap<String, Stored>,
}

/// How a call is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The request did not arrive.
    Before,
    /// It arrived and was carried out; the answer was lost.
    After,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) world: World,
    /// How many looks a state lasts.
    pub(crate) patience: u32,
    /// Looks left until the state of a resource changes, by kind and name.
    pub(crate) pending: BTreeMap<String, u32>,
    /// How many times a new role is not known to Redshift yet.
    pub(crate) role_refusals: u32,
    /// How many times a security group is still held by the interfaces of a cluster that is gone.
    pub(crate) interface_refusals: u32,
    /// The operations that were called, in order.
    pub(crate) calls: Vec<&'static str>,
    /// Errors to answer with, by operation.
    pub(crate) scripted: BTreeMap<&'static str, VecDeque<ServiceError>>,
    /// From this call on nothing works.
    pub(crate) cut: Option<(usize, Cut)>,
    /// Every operation that changes something, with the world after it.
    pub(crate) history: Vec<World>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FakeAws(pub(crate) Arc<Mutex<Inner>>);

impl FakeAws {
    pub(crate) fn new() -> Self {
        let fake = Self::default();
        {
            let mut inner = fake.inner();
            inner.patience = 2;
            inner.role_refusals = 2;
            inner.interface_refusals = 3;
            inner.world.buckets.insert("udacity-dend".to_owned(), REGION.to_owned());
        }
        fake
    }

    pub(crate) fn with_world(world: World) -> Self {
        let fake = Self::new();
        fake.inner().world = world;
        fake
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn world(&self) -> World {
        self.inner().world.clone()
    }

    pub(crate) fn edit<R>(&self, edit: impl FnOnce(&mut World) -> R) -> R {
        edit(&mut self.inner().world)
    }

    /// Answers the next calls of an operation with errors.
    pub(crate) fn script(&self, operation: &'static str, kind: ErrorKind, times: usize) {
        let errors = (0..times).map(|_| ServiceError::new(kind, operation, format!("scripted {kind:?}")));
        self.inner().scripted.entry(operation).or_default().extend(errors);
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.inner().calls.clone()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.inner().calls.iter().filter(|call| **call == operation).count()
    }

    pub(crate) fn cut_at(&self, call: usize, cut: Cut) {
        self.inner().cut = Some((call, cut));
    }

    pub(crate) fn heal(&self) {
        let mut inner = self.inner();
        inner.cut = None;
        inner.scripted.clear();
    }

    /// One call: counts it, and interrupts it if that is its turn.
    pub(crate) fn call<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&mut Inner) -> Answer<T>,
    ) -> Answer<T> {
        let mut inner = self.inner();
        let number = inner.calls.len();
        inner.calls.push(operation);
        let dead = ServiceError::new(ErrorKind::Unavailable, operation, "connection cut");
        match inner.cut {
            Some((at, _)) if number > at => return Err(dead),
            Some((at, Cut::Before)) if number == at => return Err(dead),
            _ => {}
        }
        if let Some(error) = inner.scripted.get_mut(operation).and_then(VecDeque::pop_front) {
            return Err(error);
        }
        let before = inner.world.clone();
        let answer = body(&mut inner);
        if inner.world != before && !is_read(operation) {
            let after = inner.world.clone();
            inner.history.push(after);
        }
        match inner.cut {
            Some((at, Cut::After)) if number == at => Err(dead),
            _ => answer,
        }
    }

    pub(crate) fn services(&self) -> Services {
        Services {
            region: REGION.to_owned(),
            identity: Arc::new(self.clone()),
            roles: Arc::new(self.clone()),
            clusters: Arc::new(self.clone()),
            serverless: Arc::new(self.clone()),
            network: Some(Arc::new(self.clone())),
            secrets: Arc::new(self.clone()),
            buckets: Arc::new(self.clone()),
            address: Arc::new(KnownAddress("203.0.113.7".parse().unwrap())),
            prober: None,
            clock: Arc::new(FakeClock::default()),
        }
    }

    pub(crate) fn deployment(&self, config: DeploymentConfig) -> Deployment {
        Deployment::new(config, self.services()).unwrap()
    }
}

fn is_read(operation: &str) -> bool {
    let name = operation.rsplit(':').next().unwrap_or_default();
    ["Describe", "Get", "List", "Head"].iter().any(|prefix| name.starts_with(prefix))
}

impl Inner {
    /// Counts a look at a resource; whether its time is up.
    pub(crate) fn elapsed(&mut self, key: &str) -> bool {
        match self.pending.get_mut(key) {
            Some(0) => {
                self.pending.remove(key);
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    pub(crate) fn begin(&mut self, key: impl Into<String>) {
        let patience = self.patience;
        self.pending.insert(key.into(), patience);
    }
}

pub(crate) fn refused(kind: ErrorKind, operation: &'static str) -> ServiceError {
    ServiceError::new(kind, operation, format!("{kind:?}"))
}

/// Time that passes only by waiting.
#[derive(Debug, Default)]
pub(crate) struct FakeClock(Mutex<Duration>);

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_516_800) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
        tokio::task::yield_now().await;
    }
}

/// Keeps what it is told.
#[derive(Debug, Default)]
pub(crate) struct Recorder(pub(crate) Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Recorder {
    /// The states that were waited for, each once.
    pub(crate) fn states(&self) -> Vec<String> {
        let mut states: Vec<String> = Vec::new();
        for event in self.0.lock().unwrap().iter() {
            if let Event::Waiting { state, .. } = event
                && states.last() != Some(state)
            {
                states.push(state.clone());
            }
        }
        states
    }
}
