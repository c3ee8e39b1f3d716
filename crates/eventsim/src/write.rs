//! The sample on disk.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::calendar::{DAY, Date, date, milliseconds};
use crate::catalogue::{Artist, Catalogue, Song};
use crate::error::Error;
use crate::json::{Slash, push, push_decimal, push_string};
use crate::pages::Auth;
use crate::sample::Written;
use crate::session::Event;

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

/// Held while a partial directory is in use: the threads of a process have the same names for theirs.
static WRITING: Mutex<()> = Mutex::new(());

/// Writes everything under a passing name, then gives it its own.
pub(crate) fn sample(
    directory: &Path,
    events: &[Event<'_>],
    catalogue: &Catalogue,
) -> Result<Written, Error> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    refuse_existing(directory)?;
    let partial = partial(directory)?;
    let written = contents(&partial, events, catalogue).and_then(|written| {
        // Somebody else may have made the directory in the meantime.
        refuse_existing(directory)?;
        fs::rename(&partial, directory).map_err(Error::io("rename", &partial))?;
        Ok(written)
    });
    if written.is_err() {
        // The error that counts is the first one.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn refuse_existing(directory: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(directory) {
        Ok(_) => Err(Error::Exists { path: directory.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("look for", directory)(error)),
    }
}

/// Makes the empty partial directory. What bears its name already was left by a killed process of the same
/// number, and is removed.
fn partial(directory: &Path) -> Result<PathBuf, Error> {
    let Some(name) = directory.file_name() else {
        return Err(Error::Unnamed { path: directory.to_owned() });
    };
    let mut partial = OsString::from(name);
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = directory.with_file_name(partial);
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io("remove", &partial)(error));
        }
        _ => fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?,
    }
    Ok(partial)
}

fn contents(root: &Path, events: &[Event<'_>], catalogue: &Catalogue) -> Result<Written, Error> {
    let mut written = Written::default();
    file(root, "log_json_path.json", LOG_JSON_PATH, &mut written)?;
    for folder in ["log_data", "song_data"] {
        let path = root.join(folder);
        fs::create_dir(&path).map_err(Error::io("create", &path))?;
    }
    for day in events.chunk_by(|one, next| one.at / DAY == next.at / DAY) {
        log_file(root, day, &mut written)?;
    }
    for song in &catalogue.songs {
        let mut folders = song.file.chars().skip(2);
        let mut folder = || folders.next().unwrap_or('A');
        let name = format!("song_data/{}/{}/{}/{}.json", folder(), folder(), folder(), song.file);
        file(root, &name, &song_object(song, &catalogue.artists[song.artist]), &mut written)?;
        written.songs += 1;
    }
    Ok(written)
}

/// Writes the events of one day.
fn log_file(root: &Path, events: &[Event<'_>], written: &mut Written) -> Result<(), Error> {
    let Some(first) = events.first() else { return Ok(()) };
    let Date { year, month, day } = date(first.at / DAY);
    let mut text = String::new();
    for event in events {
        if !text.is_empty() {
            text.push('\n');
        }
        push_row(&mut text, event);
        written.events += 1;
        written.plays += u64::from(event.track.is_some());
    }
    file(root, &format!("log_data/{year}/{month:02}/{year}-{month:02}-{day:02}-events.json"), &text, written)
}

fn file(root: &Path, name: &str, text: &str, written: &mut Written) -> Result<(), Error> {
    let path = root.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    fs::write(&path, text).map_err(Error::io("write", &path))?;
    written.files += 1;
    Ok(())
}

/// Appends a line of the log: 18 keys in alphabetical order.
fn push_row(out: &mut String, event: &Event<'_>) {
    let Event { at, session, item, person, page, state, track } = event;
    // Who is logged out is not known.
    let person = (state.auth == Auth::LoggedIn).then_some(person);
    let text = |out: &mut String, key: &str, value: Option<&str>| {
        push(out, format_args!("\"{key}\":"));
        match value {
            Some(value) => push_string(out, value, Slash::Escaped),
            None => out.push_str("null"),
        }
        out.push(',');
    };
    out.push('{');
    text(out, "artist", track.map(|track| track.artist.as_str()));
    text(out, "auth", Some(state.auth.name()));
    text(out, "firstName", person.map(|person| person.first_name));
    text(out, "gender", person.map(|person| person.gender));
    push(out, format_args!("\"itemInSession\":{item},"));
    text(out, "lastName", person.map(|person| person.last_name));
    out.push_str("\"length\":");
    match track {
        Some(track) => push_decimal(out, track.duration as i64),
        None => out.push_str("null"),
    }
    out.push(',');
    text(out, "level", Some(state.level.name()));
    text(out, "location", person.map(|person| person.location));
    text(out, "method", Some(page.method()));
    text(out, "page", Some(page.name()));
    match person {
        Some(person) => push(out, format_args!("\"registration\":{}.0,", person.registration)),
        None => out.push_str("\"registration\":null,"),
    }
    push(out, format_args!("\"sessionId\":{session},"));
    text(out, "song", track.map(|track| track.title.as_str()));
    push(out, format_args!("\"status\":{},\"ts\":{},", page.status(), milliseconds(*at)));
    text(out, "userAgent", person.map(|person| person.user_agent.as_str()));
    match person {
        Some(person) => push(out, format_args!("\"userId\":\"{}\"}}", person.id)),
        None => out.push_str("\"userId\":\"\"}"),
    }
}

/// A song's file: one object with the keys in the source's order.
fn song_object(song: &Song, artist: &Artist) -> String {
    let mut out = String::from("{\"num_songs\": 1, \"artist_id\": ");
    push_string(&mut out, &artist.id, Slash::Plain);
    match artist.coordinates {
        Some((latitude, longitude)) => {
            out.push_str(", \"artist_latitude\": ");
            push_decimal(&mut out, latitude);
            out.push_str(", \"artist_longitude\": ");
            push_decimal(&mut out, longitude);
        }
        None => out.push_str(", \"artist_latitude\": null, \"artist_longitude\": null"),
    }
    out.push_str(", \"artist_location\": ");
    push_string(&mut out, artist.location, Slash::Plain);
    out.push_str(", \"artist_name\": ");
    if artist.numeric {
        out.push_str(&song.track.artist);
    } else {
        push_string(&mut out, &song.track.artist, Slash::Plain);
    }
    out.push_str(", \"song_id\": ");
    push_string(&mut out, &song.id, Slash::Plain);
    out.push_str(", \"title\": ");
    push_string(&mut out, &song.track.title, Slash::Plain);
    out.push_str(", \"duration\": ");
    push_decimal(&mut out, song.track.duration as i64);
    push(&mut out, format_args!(", \"year\": {}}}", song.year));
    out
}
