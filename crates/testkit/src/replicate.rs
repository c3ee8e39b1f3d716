//! A large data set from a small one.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files that a copy of all events is spread over.
const FILES_PER_COPY: usize = 10;
/// More than any session or user id of the original.
const SESSION_STEP: u64 = 10_000;
const USER_STEP: u64 = 1_000;

/// Writes at least `events` events, the original's again and again with other sessions and users, and
/// `songs` one-song files with other ids and titles.
pub fn replicate(original: &Path, target: &Path, events: u64, songs: u64) {
    let lines: Vec<_> = files(&original.join("log_data"))
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("a log file");
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let partial = target.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    for copy in 0..events.div_ceil(lines.len() as u64) {
        let folder = partial.join(format!("log_data/{copy:05}"));
        fs::create_dir_all(&folder).expect("a folder");
        let shifted: Vec<_> = lines
            .iter()
            .map(|line| {
                let line = shift(line, "\"sessionId\":", copy * SESSION_STEP);
                shift(&line, "\"userId\":\"", copy * USER_STEP)
            })
            .collect();
        for (index, part) in shifted.chunks(lines.len().div_ceil(FILES_PER_COPY)).enumerate() {
            fs::write(folder.join(format!("{index}-events.json")), part.join("\n")).expect("a log file");
        }
    }
    let originals: Vec<_> = files(&original.join("song_data"))
        .iter()
        .map(|path| fs::read_to_string(path).expect("a song file"))
        .collect();
    for index in 0..songs {
        let mut song: serde_json::Value =
            serde_json::from_str(&originals[usize::try_from(index).expect("an index") % originals.len()])
                .expect("a song");
        if index >= originals.len() as u64 {
            song["song_id"] = format!("SO{index:016}").into();
            song["artist_id"] = format!("AR{:016}", index % 9_553).into();
            song["title"] = format!("{} {index}", song["title"].as_str().unwrap_or_default()).into();
        }
        let letter = |n: u64| char::from(b'A' + u8::try_from(n % 26).expect("a letter"));
        let folder = partial.join(format!("song_data/A/{}/{}", letter(index / 26), letter(index)));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("TRA{index:015}.json")), song.to_string()).expect("a song file");
    }
    fs::rename(partial, target).expect("the finished data set");
}

/// Adds to the number that follows a key; a line without one stays as it is.
fn shift(line: &str, key: &str, by: u64) -> String {
    let Some(at) = line.find(key).map(|at| at + key.len()) else { return line.to_owned() };
    let end = line[at..].find(|c: char| !c.is_ascii_digit()).map_or(line.len(), |length| at + length);
    match line[at..end].parse::<u64>() {
        Ok(number) => format!("{}{}{}", &line[..at], number + by, &line[end..]),
        Err(_) => line.to_owned(),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
