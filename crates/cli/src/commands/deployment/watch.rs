//! Shows what is going on: a line for each resource that moves on a terminal, a line for each change
//! elsewhere, a record in JSON logs.

use std::{
    io::{IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sparkify_infra::{Event, Observer, plan::ResourceKind};

use crate::config::{LogFormat, Settings};

const TICK: Duration = Duration::from_millis(120);

/// How it is shown.
#[derive(Debug)]
enum Manner {
    Silent,
    Log,
    Lines,
    Bars(MultiProgress),
}

/// A resource that something is, or was, done with or waited for.
#[derive(Debug)]
struct Work {
    resource: ResourceKind,
    name: String,
    /// What is done; `None` if it is only waited for.
    what: Option<&'static str>,
    /// The last state that was seen.
    state: Option<String>,
    finished: bool,
    bar: Option<ProgressBar>,
}

impl Work {
    fn describe(&self) -> String {
        let done = match (self.what, self.finished) {
            (Some(what), true) => format!("{what} done"),
            (Some(what), false) => format!("{what} begun"),
            (None, _) => String::new(),
        };
        let seen = self.state.as_ref().map(|state| format!("{state} when last seen")).unwrap_or_default();
        let comma = if done.is_empty() || seen.is_empty() { "" } else { ", " };
        format!("{} {}: {done}{comma}{seen}", self.resource, self.name)
    }
}

/// Watches an operation, and remembers how far it came.
#[derive(Debug)]
pub(super) struct Watch {
    manner: Manner,
    works: Mutex<Vec<Work>>,
}

impl Watch {
    pub(super) fn new(settings: &Settings) -> Self {
        let manner = match (settings.quiet, settings.log_format.value) {
            (true, _) => Manner::Silent,
            (_, LogFormat::Json) => Manner::Log,
            // Logs would get between the lines.
            _ if std::io::stderr().is_terminal() && !settings.no_progress && settings.verbose == 0 => {
                Manner::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
            }
            _ => Manner::Lines,
        };
        Self { manner, works: Mutex::default() }
    }

    /// How far each resource came, in the order in which they were begun.
    pub(super) fn standing(&self) -> Vec<String> {
        self.works().iter().map(Work::describe).collect()
    }

    /// Nothing more will happen: what moves stops.
    pub(super) fn end(&self) {
        for work in self.works().iter_mut() {
            if let Some(bar) = work.bar.take() {
                bar.finish_and_clear();
            }
        }
    }

    fn works(&self) -> MutexGuard<'_, Vec<Work>> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that stays.
    fn say(&self, line: &str) {
        match &self.manner {
            Manner::Silent => {}
            Manner::Log => tracing::info!("{line}"),
            // Nothing can be done if standard error is closed.
            Manner::Lines => drop(writeln!(std::io::stderr(), "{line}")),
            Manner::Bars(bars) => drop(bars.println(line)),
        }
    }

    /// A line that moves, on a terminal.
    fn bar(&self, prefix: String) -> Option<ProgressBar> {
        let Manner::Bars(bars) = &self.manner else { return None };
        let bar = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(prefix);
        bar.enable_steady_tick(TICK);
        Some(bar)
    }

    fn begin(&self, resource: ResourceKind, name: &str, what: &'static str) {
        let bar = self.bar(format!("{what} {resource} {name}"));
        if bar.is_none() {
            self.say(&format!("{what} {resource} {name} …"));
        }
        let (name, what) = (name.to_owned(), Some(what));
        self.works().push(Work { resource, name, what, state: None, finished: false, bar });
    }

    /// Sets the state, and says so if it is another one than before.
    fn set_state(&self, resource: ResourceKind, name: &str, state: &str, said: impl FnOnce() -> String) {
        let mut works = self.works();
        let at = works.iter().rposition(|work| work.resource == resource && work.name == name);
        let at = at.unwrap_or_else(|| {
            works.push(Work {
                resource,
                name: name.to_owned(),
                what: None,
                state: None,
                finished: false,
                bar: None,
            });
            works.len() - 1
        });
        let work = &mut works[at];
        let changed = work.state.as_deref() != Some(state);
        work.state = Some(state.to_owned());
        if work.bar.is_none() {
            work.bar = self.bar(format!("{resource} {name}"));
        }
        let silent = work.bar.as_ref().map(|bar| bar.set_message(state.to_owned())).is_some();
        drop(works);
        if changed && !silent {
            self.say(&said());
        }
    }

    /// What was waited for has come.
    fn reach(&self, resource: ResourceKind, name: &str, awaited: &str, elapsed: Duration) {
        let mut works = self.works();
        let found = works.iter_mut().rev().find(|work| work.resource == resource && work.name == name);
        if let Some(work) = found {
            work.state = Some(awaited.to_owned());
            if let Some(bar) = work.bar.take() {
                bar.finish_and_clear();
            }
        }
        drop(works);
        self.say(&format!("{resource} {name}: {awaited} after {}", short(elapsed)));
    }

    fn finish(&self, resource: ResourceKind, name: &str, what: &'static str, elapsed: Duration) {
        let mut works = self.works();
        let found = works
            .iter_mut()
            .rev()
            .find(|work| work.resource == resource && work.name == name && work.what == Some(what));
        if let Some(work) = found {
            work.finished = true;
            if let Some(bar) = work.bar.take() {
                bar.finish_and_clear();
            }
        }
        drop(works);
        self.say(&format!("{what} {resource} {name}: done in {}", short(elapsed)));
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event) {
        match event {
            Event::Started { resource, name, what } => self.begin(*resource, name, what),
            Event::Waiting { resource, name, state, elapsed } => {
                self.set_state(*resource, name, state, || {
                    format!("{resource} {name}: {state} ({})", short(*elapsed))
                });
            }
            Event::Retrying { resource, name, reason, pause, left } => {
                self.set_state(*resource, name, reason, || {
                    format!(
                        "{resource} {name}: {reason}; again in {}, for at most {} more",
                        short(*pause),
                        short(*left)
                    )
                });
            }
            Event::Reached { resource, name, awaited, elapsed } => {
                self.reach(*resource, name, awaited, *elapsed);
            }
            Event::Finished { resource, name, what, elapsed } => self.finish(*resource, name, what, *elapsed),
            Event::Note(text) => self.say(text),
            other => tracing::debug!(?other),
        }
    }
}

/// A time of which nobody wants to know the nanoseconds.
pub(super) fn short(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{:.1} s", duration.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_each_resource_came_is_remembered() {
        let watch = Watch { manner: Manner::Silent, works: Mutex::default() };
        let (role, cluster) = (ResourceKind::Role, ResourceKind::Cluster);
        let name = || "sparkify-x".to_owned();
        watch.event(&Event::Started { resource: role, name: name(), what: "create" });
        watch.event(&Event::Finished {
            resource: role,
            name: name(),
            what: "create",
            elapsed: Duration::from_secs(2),
        });
        watch.event(&Event::Started { resource: cluster, name: name(), what: "create" });
        assert_eq!(watch.standing()[1], "cluster sparkify-x: create begun");
        let elapsed = Duration::from_secs(65);
        watch.event(&Event::Finished { resource: cluster, name: name(), what: "create", elapsed });
        watch.event(&Event::Waiting {
            resource: cluster,
            name: name(),
            state: "creating".to_owned(),
            elapsed,
        });
        assert_eq!(
            watch.standing(),
            ["role sparkify-x: create done", "cluster sparkify-x: create done, creating when last seen"]
        );
        watch.event(&Event::Reached { resource: cluster, name: name(), awaited: "ready", elapsed });
        assert!(watch.standing()[1].ends_with("create done, ready when last seen"));
        let resource = ResourceKind::Workgroup;
        watch.event(&Event::Waiting { resource, name: name(), state: "MODIFYING".to_owned(), elapsed });
        assert_eq!(watch.standing()[2], "workgroup sparkify-x: MODIFYING when last seen");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(short(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(short(Duration::from_millis(252_345)), "4m 12s");
    }
}
