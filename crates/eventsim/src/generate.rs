//! A run from the settings to the last file.

mod days;
mod windows;

use rayon::prelude::*;

use crate::{
    Error, Progress, Settings, Sink, Volume,
    catalogue::{Catalogue, NO_SONG, SongFile, write_files},
    clock::DAY_MS,
    event::SCRIPTED,
    generate::windows::Simulation,
    row::Context,
    sink::{ANSWERS, write_file},
    traps::{BAD_SONG_FILES, Files, Reject},
    truth::{Answers, FileSet, StarSongs, top_artists},
    user::User,
    world::{Arrivals, USERS_PER_TASK, World},
};

const LOG_JSON_PATH_NAME: &str = "log_json_path.json";
/// The JSONPaths file of the source.
const LOG_JSON_PATH: &str = r#"{
    "jsonpaths": [
        "$['artist']",
        "$['auth']",
        "$['firstName']",
        "$['gender']",
        "$['itemInSession']",
        "$['lastName']",
        "$['length']",
        "$['level']",
        "$['location']",
        "$['method']",
        "$['page']",
        "$['registration']",
        "$['sessionId']",
        "$['song']",
        "$['status']",
        "$['ts']",
        "$['userAgent']",
        "$['userId']"
    ]
}"#;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Users at the start.
    pub users: u32,
    /// Events of the log, each counted once.
    pub events: u64,
    /// How many of them are plays of a known user.
    pub plays: u64,
    /// How many of the plays are of a song in `song_data`.
    pub matched: u64,
    /// Records in `song_data`, each counted once.
    pub songs: u64,
    /// Records that are there more than once.
    pub duplicates: u64,
    /// Malformed records.
    pub rejected: u64,
    /// Files of all kinds.
    pub files: u64,
}

/// Makes a data set.
///
/// Memory depends on the number of users and songs, not on that of events (which [`Volume::Events`] reaches by more
/// users): the time of the log is gone through in
/// windows, in each of which all users are simulated, their events brought into order, and written.
///
/// # Errors
///
/// [`Error::Setting`] if the settings make no sense, [`Error::Cancelled`] if the run was stopped, and what the
/// sink says. In each case what was written is discarded.
pub fn generate(settings: &Settings, sink: &dyn Sink, progress: &Progress) -> Result<Written, Error> {
    let work = || {
        settings.check()?;
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|number| format!("generate-{number}"))
            .build()
            .map_err(|error| Error::Threads(Box::new(error)))?;
        let written = threads.install(|| data_set(settings, sink, progress))?;
        progress.check()?;
        sink.publish()?;
        Ok(written)
    };
    let result = work();
    if result.is_err() {
        sink.discard();
    }
    result
}

/// The names of all files that a run may write, `answers.json` among them: those of the songs and, of each day, those of
/// the log, whether or not anything happens on it.
///
/// ```
/// use sparkify_eventsim::{Settings, file_names};
///
/// let names = file_names(&Settings { songs: 0, ..Settings::default() });
/// assert!(names.contains(&"log_data/2018/11/2018-11-01-events.json".to_owned()));
/// ```
#[must_use]
pub fn file_names(settings: &Settings) -> Vec<String> {
    let ending = settings.compression.ending();
    let catalogue = Catalogue::new(settings.seed, settings.songs, settings.traps);
    let songs = catalogue.files.iter().map(SongFile::path);
    let bad = BAD_SONG_FILES.iter().map(|(name, ..)| bad_song_path(name)).filter(|_| settings.corrupt);
    let days =
        settings.from.milliseconds().div_euclid(DAY_MS)..=(settings.to.milliseconds() - 1).div_euclid(DAY_MS);
    let logs = days.flat_map(|day| Files::ALL.map(|files| files.path(day)));
    let data = songs.chain(bad).chain(logs).map(|name| format!("{name}{ending}"));
    [ANSWERS, LOG_JSON_PATH_NAME].map(str::to_owned).into_iter().chain(data).collect()
}

/// The path of a bad song file without what a compression adds.
fn bad_song_path(name: &str) -> String {
    format!("song_data/Z/Z/Z/{name}.json")
}

fn data_set(settings: &Settings, sink: &dyn Sink, progress: &Progress) -> Result<Written, Error> {
    let ending = settings.compression.ending();
    let catalogue = Catalogue::new(settings.seed, settings.songs, settings.traps);
    let songs = StarSongs::new(&catalogue);
    let world = World::new(*settings, &catalogue, &songs);
    progress.check()?;

    let mut files = FileSet::default();
    let mut rejects = Vec::new();
    write_file(sink, LOG_JSON_PATH_NAME, LOG_JSON_PATH.as_bytes())?;
    files.add(LOG_JSON_PATH_NAME);
    write_files(&catalogue, settings.compression, sink, progress)?;
    for file in &catalogue.files {
        files.add(&format!("{}{ending}", file.path()));
    }
    if settings.corrupt {
        for (name, text, reason) in BAD_SONG_FILES {
            let name = format!("{}{ending}", bad_song_path(name));
            write_file(sink, &name, &settings.compression.apply(text.as_bytes())?)?;
            files.add(&name);
            rejects.push(Reject { file: name, line: 1, reason });
        }
    }

    let users_at_start = match settings.volume {
        Volume::Users(users) => users,
        Volume::Events(0) => 0,
        Volume::Events(events) => world.users_for(events, progress)?,
    };
    progress.check()?;
    let mut simulation = Simulation::new(&world, &catalogue.records, &songs, users_at_start, sink, progress);
    simulation.run()?;
    let log = simulation.finish();

    for name in &log.files {
        files.add(name);
    }
    rejects.extend(log.rejects);
    rejects.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
    let data_files = files.count - 1;
    let late = catalogue.files.iter().filter(|file| file.late).map(|file| format!("{}{ending}", file.path()));
    let mut late_files: Vec<String> = late.chain(log.late_files).collect();
    late_files.sort_unstable();

    let context = Context {
        world: &world,
        users: &log.users,
        scripts: &log.scripts,
        songs: &songs,
        records: &catalogue.records,
    };
    let answers = Answers {
        settings,
        users_at_start,
        universe: &world.universe,
        songs: &songs,
        records: &catalogue.records,
        totals: &log.totals,
        songplays: log.songplays,
        songplays_by_name: log.songplays_by_name,
        time: log.time,
        artists: listeners_of_artists(&world, users_at_start, &context, progress)?,
        song_duplicates: 0,
        event_duplicates: log.duplicates,
        files: &files,
        data_files,
        late_files,
        rejects: &rejects,
    };
    let simulated = (0..).zip(&log.facts).map(|(user, facts)| (context.details(user), facts));
    let scripted =
        (SCRIPTED..).zip(&log.scripts).map(|(user, script)| (context.details(user), &script.facts));
    let text = answers.write(simulated.chain(scripted));
    progress.check()?;
    write_file(sink, ANSWERS, text.as_bytes())?;
    let matched = world.universe.played().filter(|(track, _)| world.universe.song(*track) != NO_SONG);
    Ok(Written {
        users: users_at_start,
        events: log.totals.events,
        plays: log.totals.plays,
        matched: matched.map(|(_, plays)| plays).sum(),
        songs: catalogue.records.len() as u64,
        duplicates: log.duplicates,
        rejected: rejects.len() as u64,
        files: files.count + 1,
    })
}

/// The artists that were played most with listeners and plays.
///
/// Which ones they are is known in the end only, and who heard which artist is too much to remember. So the
/// users are simulated once more, which needs no memory and less time than the writing.
fn listeners_of_artists(
    world: &World,
    users: u32,
    context: &Context<'_>,
    progress: &Progress,
) -> Result<Vec<(String, u64, u64)>, Error> {
    let artists = top_artists(&world.universe);
    let bits: Vec<u16> = (0..world.universe.len() as u32)
        .into_par_iter()
        .map(|track| {
            let artist = world.universe.track(track).artist.as_str().trim_end_matches(' ');
            artists.iter().position(|(name, _)| name == artist).map_or(0, |place| 1 << place)
        })
        .collect();
    let heard = |mut user: User| {
        let mut heard = 0_u16;
        user.advance(world, world.end, |event| {
            if event.is_play() {
                heard |= bits[event.track as usize];
            }
        });
        heard
    };
    let count = |mut counts: [u64; 16], heard: u16| {
        for (place, count) in counts.iter_mut().enumerate() {
            *count += u64::from(heard >> place & 1);
        }
        counts
    };
    let sum = |mut one: [u64; 16], other: [u64; 16]| {
        for (count, more) in one.iter_mut().zip(other) {
            *count += more;
        }
        one
    };
    let nobody = || [0; 16];
    let initial = (0..users)
        .into_par_iter()
        .with_min_len(USERS_PER_TASK / 8)
        .map(|index| {
            progress.check()?;
            Ok(heard(User::initial(world, index)))
        })
        .try_fold(nobody, |counts, heard: Result<u16, Error>| Ok(count(counts, heard?)))
        .try_reduce(nobody, |one, other| Ok::<_, Error>(sum(one, other)))?;
    let mut arrivals = Arrivals::new(world, users);
    let next = || arrivals.before(world, world.end).filter(|_| progress.check().is_ok());
    let arrived = std::iter::from_fn(next).par_bridge().map(heard).fold(nobody, count).reduce(nobody, sum);
    progress.check()?;
    let scripted = context.scripts.iter().map(|script| {
        let plays = script.events.iter().filter(|event| event.is_play());
        plays.fold(0, |heard, event| heard | bits[event.track as usize])
    });
    let listeners = sum(sum(initial, arrived), scripted.fold([0; 16], count));
    Ok(artists
        .into_iter()
        .zip(listeners)
        .map(|((name, plays), listeners)| (name, listeners, plays))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::Sample;

    /// What takes minutes ends within seconds, if the wish to stop comes while it is under way.
    fn assert_stops(work: impl FnOnce(&World, &Context<'_>, &Progress) -> Result<(), Error> + Send) {
        let settings = Settings { growth_rate: 0.5, ..Sample::default().settings() };
        let catalogue = Catalogue::new(settings.seed, settings.songs, false);
        let songs = StarSongs::new(&catalogue);
        let world = World::new(settings, &catalogue, &songs);
        let context =
            Context { world: &world, users: &[], scripts: &[], songs: &songs, records: &catalogue.records };
        let (progress, begin) = (Progress::default(), Instant::now());
        let result = std::thread::scope(|scope| {
            let work = scope.spawn(|| work(&world, &context, &progress));
            std::thread::sleep(Duration::from_millis(300));
            assert!(!work.is_finished(), "it takes long enough to be stopped");
            progress.cancel();
            work.join().unwrap()
        });
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }

    #[test]
    fn the_search_for_the_number_of_users_can_be_stopped() {
        assert_stops(|world, _, progress| world.users_for(40_000_000_000, progress).map(|_| ()));
    }

    #[test]
    fn the_count_of_listeners_can_be_stopped() {
        assert_stops(|world, context, progress| {
            listeners_of_artists(world, 190_000_000, context, progress).map(|_| ())
        });
    }
}
