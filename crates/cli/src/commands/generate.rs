//! `generate`.

#[cfg(feature = "s3")]
mod bucket;

use std::{io::Write, sync::Arc, time::Instant};

use anyhow::Context;
use sparkify_analytics::output::Format;
use sparkify_eventsim::{Existing, LocalDirectory, Progress, Sink, Written};

use super::{integers, texts};
use crate::{
    config::{GenerateSettings, Settings, SourceUrl},
    progress::GenerateDisplay,
    stop::Stop,
};

pub(super) async fn run(settings: &Settings, what: GenerateSettings) -> anyhow::Result<()> {
    let begin = Instant::now();
    // Before anything is touched.
    what.settings.check()?;
    let mut stop = Stop::listen()?;
    // In S3 this may take a while.
    let sink = tokio::select! {
        sink = sink(settings, &what) => sink?,
        () = stop.requested() => return Err(sparkify_eventsim::Error::Cancelled.into()),
    };
    let progress = Arc::new(Progress::default());
    let display = GenerateDisplay::begin(settings, &progress);
    let work = tokio::task::spawn_blocking({
        let (progress, settings) = (Arc::clone(&progress), what.settings);
        move || sparkify_eventsim::generate(&settings, sink.as_ref(), &progress)
    });
    let result = stop.cancelling(|| progress.cancel(), work).await;
    drop(display);
    let written = result.context("the generator ended unexpectedly")??;
    print(settings.format.value, &what, &written, begin.elapsed().as_secs_f64())
}

/// The place that the data set goes to. What is there already is looked at.
#[cfg_attr(not(feature = "s3"), allow(clippy::unused_async, unused_variables))]
async fn sink(settings: &Settings, what: &GenerateSettings) -> anyhow::Result<Box<dyn Sink>> {
    Ok(match &what.out {
        SourceUrl::Local(directory) => {
            let existing = if what.force { Existing::ReplaceAll } else { Existing::ReplaceGenerated };
            Box::new(LocalDirectory::create(directory, existing)?)
        }
        #[cfg(feature = "s3")]
        SourceUrl::S3(url) => {
            let data_set = what.settings;
            let planned =
                tokio::task::spawn_blocking(move || sparkify_eventsim::file_names(&data_set)).await?;
            Box::new(bucket::Bucket::open(url.clone(), &settings.s3(), &planned, what.force).await?)
        }
    })
}

fn print(format: Format, what: &GenerateSettings, written: &Written, seconds: f64) -> anyhow::Result<()> {
    let counts = [
        ("users", u64::from(written.users)),
        ("events", written.events),
        ("plays", written.plays),
        ("matched", written.matched),
        ("songs", written.songs),
        ("duplicates", written.duplicates),
        ("bad_records", written.rejected),
        ("files", written.files),
    ];
    let mut stdout = crate::output::stdout();
    match format {
        Format::Table => {
            let Written { users, events, plays, matched, songs, duplicates, rejected, files } = written;
            let out = what.out.shown();
            writeln!(
                stdout,
                "made     {events} events of {users} users, {songs} songs; {files} files in {out} in {seconds:.1} s"
            )?;
            let percent = 100.0 * *matched as f64 / (*plays).max(1) as f64;
            writeln!(stdout, "plays    {plays}, {matched} of them ({percent:.2} %) of a song in song_data")?;
            if *duplicates + *rejected > 0 {
                writeln!(stdout, "planted  {duplicates} duplicates, {rejected} bad records")?;
            }
            writeln!(stdout, "answers  {}/answers.json", out.trim_end_matches('/'))?;
            let tolerance = if *rejected > 0 { format!(" --max-errors {rejected}") } else { String::new() };
            writeln!(stdout, "next     sparkify-cli run --source {out}{tolerance}")?;
            Ok(())
        }
        Format::Json => {
            let mut object = serde_json::Map::new();
            object.insert("out".to_owned(), what.out.shown().into());
            object.extend(counts.map(|(name, count)| (name.to_owned(), count.into())));
            object.insert("elapsed_ms".to_owned(), ((seconds * 1000.0) as u64).into());
            writeln!(stdout, "{}", serde_json::Value::Object(object))?;
            Ok(())
        }
        Format::Csv => super::print_columns(
            format,
            vec![
                ("what", texts(counts.iter().map(|(name, _)| name))),
                ("count", integers(counts.iter().map(|(_, count)| *count as i64))),
            ],
        ),
    }
}
