//! Data sets.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The directory with the real logs of November 2018, where it is at hand: `SPARKIFY_REAL_DATA`, or
/// `shared/data` beside the checkout.
#[must_use]
pub fn real_data() -> Option<PathBuf> {
    let named = std::env::var_os("SPARKIFY_REAL_DATA").map(PathBuf::from);
    let path = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    path.join("log_data").is_dir().then(|| path.canonicalize().expect("a real path"))
}

/// A temporary directory in the layout of the source.
#[derive(Debug)]
pub struct DataSet {
    directory: TempDir,
}

impl Default for DataSet {
    fn default() -> Self {
        Self::new()
    }
}

impl DataSet {
    /// An empty one, with empty `log_data` and `song_data`.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for folder in ["log_data", "song_data"] {
            std::fs::create_dir(directory.path().join(folder)).expect("a folder");
        }
        Self { directory }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().expect("a real path")
    }

    /// Writes any bytes below the data set and returns the path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, bytes).expect("a written file");
        path
    }

    /// Writes events, one a line, below `log_data`.
    pub fn write_events(&self, name: &str, events: &[Event]) -> PathBuf {
        let lines: Vec<_> = events.iter().map(Event::line).collect();
        self.write(&format!("log_data/{name}"), lines.join("\n"))
    }

    /// Writes songs, one after the other, below `song_data`.
    pub fn write_songs(&self, name: &str, songs: &[Song]) -> PathBuf {
        let objects: Vec<_> = songs.iter().map(Song::line).collect();
        self.write(&format!("song_data/{name}"), objects.join("\n"))
    }

    /// Copies a data file of another data set to the same place in this one.
    pub fn copy_from(&self, other: &Path, name: &str) {
        let target = self.path().join(name);
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
        std::fs::copy(other.join(name), target).expect("a copied file");
    }
}

/// An event of the log; what is not set has a plain value.
#[derive(Debug, Clone)]
pub struct Event(Map<String, Value>);

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($type:ty) => $key:literal, $value:expr;)+) => {
        $($(#[$doc])* #[must_use] pub fn $name(self, value: $type) -> Self { self.set($key, ($value)(value)) })+
    };
}

impl Event {
    /// A play by user 1 in the given session.
    #[must_use]
    pub fn play(session: i64, item: i64) -> Self {
        let value = json!({
            "artist": "Artist", "auth": "Logged In", "firstName": "First", "gender": "F", "itemInSession": item,
            "lastName": "Last", "length": 200.5, "level": "free", "location": "Here", "method": "PUT",
            "page": "NextSong", "registration": 1_540_919_166_796.0, "sessionId": session, "song": "Song",
            "status": 200, "ts": 1_541_106_132_796_i64 + session * 1_000_000 + item, "userAgent": "\"Agent\"",
            "userId": "1",
        });
        match value {
            Value::Object(map) => Self(map),
            _ => unreachable!(),
        }
    }

    /// The same with any key set to any value.
    #[must_use]
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// The same without a key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    setters! {
        /// The user.
        user(i64) => "userId", |user: i64| json!(user.to_string());
        /// The time, epoch milliseconds.
        ts(i64) => "ts", |ts| json!(ts);
        /// The subscription.
        level(&str) => "level", |level| json!(level);
        /// The page.
        page(&str) => "page", |page| json!(page);
        /// The user's first name.
        first_name(&str) => "firstName", |name| json!(name);
        /// The song's title.
        song(&str) => "song", |song| json!(song);
        /// The song's artist.
        artist(&str) => "artist", |artist| json!(artist);
        /// The song's length in seconds.
        length(f64) => "length", |length| json!(length);
    }

    /// One line of JSON.
    #[must_use]
    pub fn line(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

/// A song of the catalogue; what is not set has a plain value.
#[derive(Debug, Clone)]
pub struct Song(Map<String, Value>);

impl Song {
    /// A song of an artist.
    #[must_use]
    pub fn new(song_id: &str, artist_id: &str) -> Self {
        let value = json!({
            "num_songs": 1, "artist_id": artist_id, "artist_latitude": null, "artist_longitude": null,
            "artist_location": "", "artist_name": "Artist", "song_id": song_id, "title": "Song",
            "duration": 200.5, "year": 0,
        });
        match value {
            Value::Object(map) => Self(map),
            _ => unreachable!(),
        }
    }

    /// The same with any key set to any value.
    #[must_use]
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    setters! {
        /// The title.
        title(&str) => "title", |title| json!(title);
        /// The artist's name.
        artist(&str) => "artist_name", |name| json!(name);
        /// Where the artist is from.
        location(&str) => "artist_location", |location| json!(location);
        /// The length in seconds.
        duration(f64) => "duration", |duration| json!(duration);
        /// The year.
        year(i64) => "year", |year| json!(year);
    }

    /// The same with coordinates.
    #[must_use]
    pub fn at(self, latitude: f64, longitude: f64) -> Self {
        self.set("artist_latitude", json!(latitude)).set("artist_longitude", json!(longitude))
    }

    /// One line of JSON.
    #[must_use]
    pub fn line(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}
