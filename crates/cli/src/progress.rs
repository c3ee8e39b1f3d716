//! The progress bar, on a terminal only.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sparkify_etl::Progress;

use crate::config::Settings;

const INTERVAL: Duration = Duration::from_millis(100);

/// Shows the progress of a load until it is dropped.
#[derive(Debug)]
pub(crate) struct ProgressDisplay {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl ProgressDisplay {
    /// Begins to show, if standard error is a terminal and the settings allow it.
    pub(crate) fn begin(settings: &Settings, progress: &Arc<Progress>) -> Option<Self> {
        if settings.no_progress || settings.quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>14} [{bar:30}] {msg} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let task = tokio::spawn({
            let (bar, progress) = (bar.clone(), Arc::clone(progress));
            async move {
                loop {
                    show(&bar, &progress);
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        });
        Some(Self { bar, task })
    }
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let (files, files_total) = progress.files();
    let (bytes, bytes_total) = progress.bytes();
    bar.set_prefix(progress.step());
    bar.set_length(bytes_total.max(1));
    bar.set_position(bytes);
    let again = match progress.attempt() {
        0 | 1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    bar.set_message(format!(
        "{}/{} files, {}/{}, {} records{again}",
        HumanCount(files),
        HumanCount(files_total),
        HumanBytes(bytes),
        HumanBytes(bytes_total),
        HumanCount(progress.records())
    ));
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

/// Shows how far `generate` is until it is dropped.
#[derive(Debug)]
pub(crate) struct GenerateDisplay {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl GenerateDisplay {
    /// Begins to show, if standard error is a terminal and the settings allow it.
    pub(crate) fn begin(settings: &Settings, progress: &Arc<sparkify_eventsim::Progress>) -> Option<Self> {
        if settings.no_progress || settings.quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("      generate [{bar:30}] {msg} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let task = tokio::spawn({
            let (bar, progress) = (bar.clone(), Arc::clone(progress));
            async move {
                loop {
                    bar.set_position(progress.permille());
                    let (files, events) = (HumanCount(progress.files()), HumanCount(progress.events()));
                    bar.set_message(format!("{files} song files, {events} events"));
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        });
        Some(Self { bar, task })
    }
}

impl Drop for GenerateDisplay {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}
