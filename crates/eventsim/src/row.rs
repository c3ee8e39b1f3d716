//! Rows of the log.

use crate::{
    catalogue::{LogText, NO_SONG, SongRecord},
    event::{Event, NO_TRACK, SCRIPTED},
    json::{Slash, push_decimal, push_integer, push_string, push_string_utf8},
    traps::Script,
    truth::{Row, StarSongs, value},
    user::User,
    world::{FIRST_USER_ID, World},
};

/// Everything that a row may need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) world: &'a World,
    pub(crate) users: &'a [User],
    pub(crate) scripts: &'a [Script],
    pub(crate) songs: &'a StarSongs,
    pub(crate) records: &'a [SongRecord],
}

/// The details of a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Details<'a> {
    pub(crate) id: i64,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) gender: &'a str,
    pub(crate) location: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) registration: i64,
}

/// What a row says.
#[derive(Debug, Clone, Copy)]
struct Fields<'a> {
    who: Option<Details<'a>>,
    /// Artist, title, and length in hundred-thousandths of a second.
    track: Option<(&'a str, &'a str, i64)>,
    auth: &'a str,
    level: &'a str,
    method: &'a str,
    page: &'a str,
    status: u16,
    session: u64,
    item: u32,
    at: i64,
}

impl Fields<'_> {
    /// Appends the row as the source has it.
    fn push(&self, out: &mut Vec<u8>) {
        let Self { who, track, .. } = *self;
        let text = |out: &mut Vec<u8>, key: &str, value: Option<&str>| {
            out.extend_from_slice(key.as_bytes());
            match value {
                Some(value) => push_string(out, value, Slash::Escaped),
                None => out.extend_from_slice(b"null"),
            }
        };
        text(out, "{\"artist\":", track.map(|(artist, ..)| artist));
        text(out, ",\"auth\":", Some(self.auth));
        text(out, ",\"firstName\":", who.map(|who| who.first_name));
        text(out, ",\"gender\":", who.map(|who| who.gender));
        out.extend_from_slice(format!(",\"itemInSession\":{}", self.item).as_bytes());
        text(out, ",\"lastName\":", who.map(|who| who.last_name));
        out.extend_from_slice(b",\"length\":");
        match track {
            Some((.., duration)) => push_decimal(out, duration),
            None => out.extend_from_slice(b"null"),
        }
        text(out, ",\"level\":", Some(self.level));
        text(out, ",\"location\":", who.map(|who| who.location));
        text(out, ",\"method\":", Some(self.method));
        text(out, ",\"page\":", Some(self.page));
        match who {
            Some(who) => {
                out.extend_from_slice(format!(",\"registration\":{}.0", who.registration).as_bytes());
            }
            None => out.extend_from_slice(b",\"registration\":null"),
        }
        out.extend_from_slice(format!(",\"sessionId\":{}", self.session).as_bytes());
        text(out, ",\"song\":", track.map(|(_, title, _)| title));
        out.extend_from_slice(format!(",\"status\":{},\"ts\":{}", self.status, self.at).as_bytes());
        text(out, ",\"userAgent\":", who.map(|who| who.user_agent));
        let id = who.map_or_else(String::new, |who| who.id.to_string());
        out.extend_from_slice(format!(",\"userId\":\"{id}\"}}").as_bytes());
    }
}

impl<'a> Context<'a> {
    pub(crate) fn details(&self, user: u32) -> Details<'a> {
        if user >= SCRIPTED {
            let person = &self.scripts[(user - SCRIPTED) as usize].person;
            return Details {
                id: person.id,
                first_name: &person.first_name,
                last_name: &person.last_name,
                gender: &person.gender,
                location: &person.location,
                user_agent: &person.user_agent,
                registration: person.registration,
            };
        }
        let (profile, vocabulary) = (&self.users[user as usize].profile, &self.world.vocabulary);
        Details {
            id: FIRST_USER_ID + i64::from(user),
            first_name: &vocabulary.first_names[profile.first_name as usize].text,
            last_name: &vocabulary.last_names[profile.last_name as usize].text,
            gender: vocabulary.gender(profile.first_name),
            location: &vocabulary.places[profile.place as usize].text,
            user_agent: &vocabulary.browsers[profile.browser as usize].text,
            registration: profile.registration,
        }
    }

    /// Appends a row as the source has it: 18 keys in alphabetical order.
    pub(crate) fn push(&self, out: &mut Vec<u8>, event: &Event) {
        let state = event.state;
        if event.user >= SCRIPTED || !state.auth.is_known() {
            return self.push_any(out, event);
        }
        let (profile, vocabulary) = (&self.users[event.user as usize].profile, &self.world.vocabulary);
        let track = (event.track != NO_TRACK).then(|| self.world.universe.track(event.track));
        out.extend_from_slice(b"{\"artist\":");
        push_track_text(out, track.map(|track| track.artist));
        out.extend_from_slice(b",\"auth\":\"");
        out.extend_from_slice(state.auth.name().as_bytes());
        out.push(b'"');
        out.extend_from_slice(vocabulary.first_names[profile.first_name as usize].part.as_bytes());
        push_integer(out, i64::from(event.item));
        out.extend_from_slice(vocabulary.last_names[profile.last_name as usize].part.as_bytes());
        match track {
            Some(track) => push_decimal(out, track.duration),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"level\":\"");
        out.extend_from_slice(state.level.name().as_bytes());
        out.push(b'"');
        out.extend_from_slice(vocabulary.places[profile.place as usize].part.as_bytes());
        out.extend_from_slice(state.page.method().as_bytes());
        out.extend_from_slice(b"\",\"page\":\"");
        out.extend_from_slice(state.page.name().as_bytes());
        out.extend_from_slice(b"\",\"registration\":");
        push_integer(out, profile.registration);
        out.extend_from_slice(b".0,\"sessionId\":");
        push_integer(out, event.session as i64);
        out.extend_from_slice(b",\"song\":");
        push_track_text(out, track.map(|track| track.title));
        out.extend_from_slice(b",\"status\":");
        push_integer(out, i64::from(state.page.status()));
        out.extend_from_slice(b",\"ts\":");
        push_integer(out, event.at);
        out.extend_from_slice(vocabulary.browsers[profile.browser as usize].part.as_bytes());
        push_integer(out, FIRST_USER_ID + i64::from(event.user));
        out.extend_from_slice(b"\"}");
    }

    /// The same, for any user and state.
    pub(crate) fn push_any(&self, out: &mut Vec<u8>, event: &Event) {
        let state = event.state;
        let track = (event.track != NO_TRACK).then(|| self.world.universe.track(event.track));
        let fields = Fields {
            who: state.auth.is_known().then(|| self.details(event.user)),
            track: track.map(|track| (track.artist.as_str(), track.title.as_str(), track.duration)),
            auth: state.auth.name(),
            level: state.level.name(),
            method: state.page.method(),
            page: state.page.name(),
            status: state.page.status(),
            session: event.session,
            item: event.item,
            at: event.at,
        };
        fields.push(out);
    }

    /// The same event spelled differently: other order of keys, blanks, UTF-8, numbers without quotes or
    /// fraction, and nothing for what is null.
    pub(crate) fn push_otherwise(&self, out: &mut Vec<u8>, event: &Event) {
        let state = event.state;
        out.extend_from_slice(
            format!("{{ \"ts\": {}, \"sessionId\": {}, \"page\": ", event.at, event.session).as_bytes(),
        );
        let text = |out: &mut Vec<u8>, key: &str, value: &str| {
            out.extend_from_slice(key.as_bytes());
            push_string_utf8(out, value);
        };
        text(out, "", state.page.name());
        text(out, ", \"auth\": ", state.auth.name());
        text(out, ", \"method\": ", state.page.method());
        out.extend_from_slice(format!(", \"status\": {}.0", state.page.status()).as_bytes());
        text(out, ", \"level\": ", state.level.name());
        out.extend_from_slice(format!(", \"itemInSession\": {}", event.item).as_bytes());
        if state.auth.is_known() {
            let who = self.details(event.user);
            out.extend_from_slice(format!(", \"userId\": {}", who.id).as_bytes());
            text(out, ", \"location\": ", who.location);
            text(out, ", \"userAgent\": ", who.user_agent);
            text(out, ", \"lastName\": ", who.last_name);
            text(out, ", \"firstName\": ", who.first_name);
            out.extend_from_slice(format!(", \"registration\": {}", who.registration).as_bytes());
            text(out, ", \"gender\": ", who.gender);
        }
        if event.track != NO_TRACK {
            let track = self.world.universe.track(event.track);
            text(out, ", \"artist\": ", track.artist.as_str());
            text(out, ", \"song\": ", track.title.as_str());
            out.extend_from_slice(b", \"length\": ");
            push_decimal(out, track.duration);
            out.extend_from_slice(b"0");
        }
        out.extend_from_slice(b", \"tag\": \"again\" }");
    }

    /// The event's row of songplays.
    pub(crate) fn songplay<'r>(&self, row: &'r mut Row, event: &Event) -> &'r Row {
        self.songplay_of(row, event, self.world.universe.song(event.track))
    }

    /// The same with another song.
    pub(crate) fn songplay_of<'r>(&self, row: &'r mut Row, event: &Event, song: u32) -> &'r Row {
        let who = self.details(event.user);
        let matched = (song != NO_SONG).then(|| {
            let record = self.songs.record(self.records, song);
            (record.song_id.as_str(), record.artist_id.as_str())
        });
        let session = event.session as i64;
        row.begin()
            .integer(session * 1_048_576 + i64::from(event.item))
            .integer(event.at)
            .integer(who.id)
            .text(Some(event.state.level.name()))
            .text(matched.map(|(song, _)| song))
            .text(matched.map(|(_, artist)| artist))
            .integer(session)
            .integer(i64::from(event.item))
            .text(value(who.location))
            .text(value(who.user_agent))
    }
}

/// Appends a text of a track, or null.
#[inline]
fn push_track_text(out: &mut Vec<u8>, text: Option<LogText<'_>>) {
    match text {
        Some(text) => text.push(out),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, Settings, catalogue::Catalogue, traps::scripts};

    /// Rows as they are in the source: double-encoded text, quotes that have stayed, slashes, nobody.
    const SOURCE: &str = concat!(
        r#"{"artist":"Bj\u00c3\u0083\u00c2\u00b6rk \/ AC\/DC","auth":"Logged In","firstName":"Ryan","gender":"M","itemInSession":3,"lastName":"Smith","length":180.0,"level":"free","location":"San Jose-Sunnyvale-Santa Clara, CA","method":"PUT","page":"NextSong","registration":1541016707796.0,"sessionId":583,"song":"The \"One\"","status":200,"ts":1542242481796,"userAgent":"\"Mozilla\/5.0 (X11; Linux x86_64)\"","userId":"26"}"#,
        "\n",
        r#"{"artist":null,"auth":"Logged Out","firstName":null,"gender":null,"itemInSession":0,"lastName":null,"length":null,"level":"paid","location":null,"method":"PUT","page":"Login","registration":null,"sessionId":52,"song":null,"status":307,"ts":1541207073796,"userAgent":null,"userId":""}"#,
    );

    /// The rows of the real log, if it is at hand.
    fn real_rows() -> Vec<String> {
        let named = std::env::var_os("SPARKIFY_REAL_DATA").map(std::path::PathBuf::from);
        let beside = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let mut folders = vec![named.unwrap_or_else(beside).join("log_data")];
        let mut rows = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    rows.extend(std::fs::read_to_string(path).unwrap().split('\n').map(str::to_owned));
                }
            }
        }
        rows
    }

    #[test]
    fn rows_of_the_source_are_written_as_they_are_there() {
        for line in SOURCE.lines().map(str::to_owned).chain(real_rows()) {
            let row: serde_json::Value = serde_json::from_str(&line).unwrap();
            let text = |key: &str| row[key].as_str().unwrap();
            let who = row["firstName"].is_string().then(|| Details {
                id: text("userId").parse().unwrap(),
                first_name: text("firstName"),
                last_name: text("lastName"),
                gender: text("gender"),
                location: text("location"),
                user_agent: text("userAgent"),
                registration: row["registration"].as_f64().unwrap() as i64,
            });
            let duration = row["length"].as_f64().map(|length| (length * 100_000.0).round() as i64);
            let fields = Fields {
                who,
                track: duration.map(|duration| (text("artist"), text("song"), duration)),
                auth: text("auth"),
                level: text("level"),
                method: text("method"),
                page: text("page"),
                status: row["status"].as_u64().unwrap() as u16,
                session: row["sessionId"].as_u64().unwrap(),
                item: row["itemInSession"].as_u64().unwrap() as u32,
                at: row["ts"].as_i64().unwrap(),
            };
            let mut written = Vec::new();
            fields.push(&mut written);
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }

    #[test]
    fn the_quick_way_to_write_a_row_gives_the_same_as_the_general_one() {
        let settings = Settings { traps: true, ..Sample::default().settings() };
        let catalogue = Catalogue::new(settings.seed, settings.songs, true);
        let songs = StarSongs::new(&catalogue);
        let world = World::new(settings, &catalogue, &songs);
        let mut users = world.initial(300);
        let mut events = Vec::new();
        for user in &mut users {
            user.advance(&world, world.end, |event| events.push(event));
        }
        let scripts = scripts(&world);
        let context = Context {
            world: &world,
            users: &users,
            scripts: &scripts,
            songs: &songs,
            records: &catalogue.records,
        };
        assert!(events.len() > 5_000);
        for event in events {
            let (mut quick, mut general) = (Vec::new(), Vec::new());
            context.push(&mut quick, &event);
            context.push_any(&mut general, &event);
            assert_eq!(String::from_utf8_lossy(&quick), String::from_utf8_lossy(&general));
            let mut other = Vec::new();
            context.push_otherwise(&mut other, &event);
            let [plain, other]: [serde_json::Value; 2] =
                [&general, &other].map(|text| serde_json::from_slice(text).unwrap());
            assert_eq!(plain["song"], other.get("song").cloned().unwrap_or_default());
            assert_eq!(plain["length"].as_f64(), other["length"].as_f64());
        }
    }
}
