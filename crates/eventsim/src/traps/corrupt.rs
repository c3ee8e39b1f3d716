//! Malformed records.

/// A record that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u64,
    /// The class of the reason.
    pub(crate) reason: &'static str,
}

/// What is wrong with a record of the log.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A key gets another value.
    Value(&'static str, &'static str),
    /// A key is left out.
    Without(&'static str),
    /// This comes before the closing brace.
    More(&'static str),
    /// Something else altogether.
    Instead(&'static str),
    /// The record breaks off.
    CutOff,
    /// A byte that is no UTF-8.
    Latin1,
}

/// The faults with the classes of their reasons.
const FAULTS: [(Fault, &str); 22] = [
    (Fault::Value("ts", "\"yesterday\""), "wrong_type"),
    (Fault::Value("status", "200.5"), "wrong_type"),
    (Fault::Value("song", "[\"a\"]"), "wrong_type"),
    (Fault::Value("artist", "{}"), "wrong_type"),
    (Fault::Value("ts", "null"), "missing"),
    (Fault::Value("level", "\"  \""), "missing"),
    (Fault::Without("sessionId"), "missing"),
    (Fault::Without("page"), "missing"),
    (Fault::Value("itemInSession", "1048576"), "out_of_range"),
    (Fault::Value("itemInSession", "-1"), "out_of_range"),
    (Fault::Value("ts", "253402300800000"), "out_of_range"),
    (Fault::Value("sessionId", "9e18"), "out_of_range"),
    (Fault::Value("gender", "\"xxxxxxxxxxxxxxxxx\""), "too_long"),
    (Fault::Value("song", "\"a\\u0000b\""), "nul_character"),
    (Fault::Value("song", "\"\\ud800x\""), "invalid_json"),
    (Fault::More(","), "invalid_json"),
    (Fault::More(",\"ts\":1"), "repeated_field"),
    (Fault::Instead("2018-11-03 12:00:00 INFO the log was rotated"), "invalid_json"),
    (Fault::Instead("[1,2]"), "not_an_object"),
    (Fault::Instead("12"), "not_an_object"),
    (Fault::CutOff, "truncated"),
    (Fault::Latin1, "invalid_utf8"),
];

/// Song files with one bad record each, and the class of its reason.
pub(crate) const BAD_SONG_FILES: [(&str, &str, &str); 6] = [
    (
        "TRZZBAD128F0000001",
        r#"{"num_songs": 1, "artist_id": "ARBAD", "artist_latitude": 91, "artist_longitude": 0, "artist_location": "", "artist_name": "Bad", "song_id": "SOBAD1", "title": "Too far north", "duration": 1.5, "year": 0}"#,
        "out_of_range",
    ),
    (
        "TRZZBAD128F0000002",
        r#"{"num_songs": 1, "artist_id": "ARBAD", "artist_latitude": null, "artist_longitude": null, "artist_location": "", "artist_name": "Bad", "song_id": null, "title": "No id", "duration": 1.5, "year": 0}"#,
        "missing",
    ),
    (
        "TRZZBAD128F0000003",
        r#"{"num_songs": 1, "artist_id": "ARBAD", "artist_latitude": null, "artist_longitude": nu"#,
        "truncated",
    ),
    (
        "TRZZBAD128F0000004",
        r#"{"num_songs": 1, "artist_id": "ARBAD", "artist_latitude": null, "artist_longitude": null, "artist_location": "", "artist_name": "Bad", "song_id": "SOBAD4", "title": "Year in words", "duration": 1.5, "year": "MMXVIII"}"#,
        "wrong_type",
    ),
    ("TRZZBAD128F0000005", "<html><body>503 Service Unavailable</body></html>", "invalid_json"),
    ("TRZZBAD128F0000006", r#"["SOBAD6"]"#, "not_an_object"),
];

/// Makes a bad record of a good one; returns it with the class of its reason.
pub(super) fn spoil(row: &[u8], choice: u64) -> (Vec<u8>, &'static str) {
    let (fault, reason) = FAULTS[(choice % FAULTS.len() as u64) as usize];
    let mut bad = row.to_vec();
    match fault {
        Fault::Value(key, value) => {
            let (_, start, end) = field(row, key);
            bad.splice(start..end, value.bytes());
        }
        Fault::Without(key) => {
            let (before, _, end) = field(row, key);
            bad.drain(before..end);
        }
        Fault::More(more) => {
            bad.splice(row.len() - 1..row.len() - 1, more.bytes());
        }
        Fault::Instead(text) => bad = text.as_bytes().to_vec(),
        Fault::CutOff => bad.truncate(1 + (choice / 64 % (row.len() as u64 - 2)) as usize),
        Fault::Latin1 => {
            let (_, start, _) = field(row, "auth");
            bad[start + 1] = 0xe9;
        }
    }
    (bad, reason)
}

/// A row with another status: another event with the same key.
pub(super) fn contradict(row: &[u8]) -> Vec<u8> {
    let (_, start, end) = field(row, "status");
    let mut other = row.to_vec();
    other.splice(start..end, *b"500");
    other
}

/// Where a field is: with its comma, its value, and the end of it. Quotes within texts are escaped, so a
/// key in quotes after a comma is one.
fn field(row: &[u8], key: &str) -> (usize, usize, usize) {
    let text = format!(",\"{key}\":").into_bytes();
    // The first key has a brace before it.
    let found = row.windows(text.len()).position(|window| window[1..] == text[1..]).unwrap_or_default();
    let start = found + text.len();
    let is_text = row.get(start) == Some(&b'"');
    let mut escaped = false;
    let length = row[start..]
        .iter()
        .skip(usize::from(is_text))
        .position(|byte| {
            let ends = if is_text { *byte == b'"' && !escaped } else { matches!(byte, b',' | b'}') };
            escaped = *byte == b'\\' && !escaped;
            ends
        })
        .unwrap_or_default();
    let end = start + length + 2 * usize::from(is_text);
    (if found == 0 { 1 } else { found }, start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] =
        br#"{"artist":"a \"ts\": \\","auth":"Logged In","page":"Home","sessionId":12,"status":200,"ts":34}"#;

    #[test]
    fn fields_are_found_by_their_keys() {
        let value = |key| {
            let (_, start, end) = field(ROW, key);
            std::str::from_utf8(&ROW[start..end]).unwrap()
        };
        for (key, expected) in [
            ("artist", "\"a \\\"ts\\\": \\\\\""),
            ("auth", "\"Logged In\""),
            ("sessionId", "12"),
            ("ts", "34"),
        ] {
            assert_eq!(value(key), expected);
        }
    }

    #[test]
    fn every_fault_changes_the_record() {
        for choice in 0..FAULTS.len() as u64 * 3 {
            let (bad, reason) = spoil(ROW, choice);
            assert!(bad != ROW && !bad.contains(&b'\n') && !bad.is_empty(), "{reason}");
        }
        assert_eq!(contradict(b"{\"a\":1,\"status\":200,\"ts\":3}"), b"{\"a\":1,\"status\":500,\"ts\":3}");
    }
}
