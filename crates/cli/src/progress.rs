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
    let State { position, length, message } = state(progress);
    bar.set_prefix(progress.step());
    bar.set_length(length.max(1));
    bar.set_position(position);
    bar.set_message(message);
}

/// What the bar shows.
struct State {
    position: u64,
    length: u64,
    message: String,
}

fn state(progress: &Progress) -> State {
    let again = match progress.attempt() {
        0 | 1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    // The database reads files itself.
    if let Some(copying) = progress.copying() {
        let message = format!(
            "{}/{} files, {}, {} rows{again}",
            HumanCount(copying.files),
            HumanCount(copying.files_total),
            HumanBytes(copying.bytes),
            HumanCount(copying.rows)
        );
        return State { position: copying.files, length: copying.files_total, message };
    }
    let (files, files_total) = progress.files();
    let (bytes, bytes_total) = progress.bytes();
    let message = format!(
        "{}/{} files, {}/{}, {} records{again}",
        HumanCount(files),
        HumanCount(files_total),
        HumanBytes(bytes),
        HumanBytes(bytes_total),
        HumanCount(progress.records())
    );
    State { position: bytes, length: bytes_total, message }
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

#[cfg(test)]
mod tests {
    use sparkify_warehouse::{CopyProgress, Copying};

    use super::*;

    #[test]
    fn the_bar_shows_how_far_the_database_is_while_it_reads_files_itself() {
        let progress = Progress::default();
        assert_eq!(state(&progress).message, "0/0 files, 0 B/0 B, 0 records");
        let copying = Copying {
            table: "sparkify_run_events".to_owned(),
            rows: 12_345,
            bytes: 2048,
            files: 3,
            files_total: 8,
        };
        CopyProgress::copying(&progress, &copying);
        let State { position, length, message } = state(&progress);
        assert_eq!((position, length, message.as_str()), (3, 8, "3/8 files, 2.00 KiB, 12,345 rows"));
        assert_eq!(progress.step(), "copying");
    }
}
