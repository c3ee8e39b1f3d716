//! Makes a data set in a new directory and says how fast that was:
//! `cargo run --release -p sparkify-eventsim --example generate_directory -- DIR [EVENTS] [THREADS]`.
#![allow(clippy::print_stdout)]

use std::{error::Error, path::Path, time::Instant};

use sparkify_eventsim::{Existing, LocalDirectory, Progress, Settings, Volume, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name a directory that does not exist")?;
    let events = arguments.next().map_or(Ok(100_000), |events| events.parse())?;
    let threads = arguments.next().map_or(Ok(0), |threads| threads.parse())?;
    let settings = Settings { volume: Volume::Events(events), threads, ..Settings::default() };

    let sink = LocalDirectory::create(Path::new(&directory), Existing::Refuse)?;
    let begin = Instant::now();
    let written = generate(&settings, &sink, &Progress::default())?;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} events of {} users in {seconds:.2} s: {:.2} million a second",
        written.events,
        written.users,
        written.events as f64 / seconds / 1e6
    );
    Ok(())
}
