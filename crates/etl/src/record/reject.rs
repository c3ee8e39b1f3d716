//! The cards of records that an engine refused while it read files itself.

use sparkify_warehouse::ObjectLine;
pub use sparkify_warehouse::{Reason, Refusal, Reject};

use super::{RecordShape, split::Decoder};

/// The card of a record that an engine refused: if the line is wrong for us as well, the one that a local file would
/// have got; else what the engine says, with the place of the value in the line.
pub(crate) fn completed(shape: &RecordShape, refused: Reject) -> Reject {
    let columns = shape.table().columns;
    let index = columns.iter().position(|column| Some(column.name) == refused.field.as_deref());
    let key = index.map(|index| shape.key(index));
    let line = refused.engine.as_ref().and_then(|engine| engine.raw.as_ref());
    let found = line.and_then(|line| ours(shape, &refused, key, line));
    let found = found.unwrap_or_else(|| theirs(&refused, key, line));
    let field = found.field.or_else(|| key.map(str::to_owned)).or(refused.field);
    // The line may be long, and has been looked at.
    let engine = refused.engine.map(|engine| Refusal { raw: None, ..engine });
    Reject { field, engine, ..found }
}

/// What our own decoder says of the line, if it is about the same field.
fn ours(shape: &RecordShape, refused: &Reject, key: Option<&str>, line: &ObjectLine) -> Option<Reject> {
    if !line.is_whole() || line.beginning.trim_ascii() == b"{" {
        // The rest of the record is on other lines.
        return None;
    }
    let mut decoder = Decoder::new(shape);
    decoder.decode(0, &refused.path, refused.line, &line.beginning);
    decoder.take_rejects().into_iter().find(|reject| match (reject.field.as_deref(), key) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (None, None) => true,
        (None, Some(_)) => reject.reason == Reason::InvalidUtf8,
        (Some(_), None) => false,
    })
}

/// What the engine says, with the place of the value in the line.
fn theirs(refused: &Reject, key: Option<&str>, line: Option<&ObjectLine>) -> Reject {
    let place = key.zip(line).and_then(|(key, line)| value_of(&line.beginning, key));
    let value = match (&place, line) {
        (Some(place), Some(line)) => excerpt(&String::from_utf8_lossy(&line.beginning[place.clone()])),
        (None, Some(line)) => {
            let end = line.beginning.len().min(SHOWN_BYTES);
            let shown = String::from_utf8_lossy(&line.beginning[..end]);
            // A character at its end may have been cut in two.
            let shown = excerpt(shown.trim_end_matches('\u{fffd}'));
            if line.length > end as u64 { shown + "…" } else { shown }
        }
        (_, None) => String::new(),
    };
    Reject {
        path: refused.path.clone(),
        line: refused.line,
        column: place.map_or(0, |place| place.start as u64) + 1,
        field: None,
        reason: refused.reason.clone(),
        value,
        engine: None,
    }
}

/// Bytes of a line that are shown if no value of it is.
const SHOWN_BYTES: usize = 80;

/// Where the value of a key is in the beginning of an object, which may be broken or cut off behind it.
fn value_of(object: &[u8], key: &str) -> Option<std::ops::Range<usize>> {
    let name = serde_json::to_string(key).ok()?;
    let (mut depth, mut at, mut found) = (0_usize, 0, None);
    while at < object.len() {
        match object[at] {
            b'"' => {
                let end = text_end(object, at);
                let after = skip_blanks(object, end);
                if depth == 1 && found.is_none() && object.get(after) == Some(&b':') {
                    if &object[at..end] == name.as_bytes() {
                        found = Some(skip_blanks(object, after + 1));
                    }
                    at = after;
                } else {
                    at = end - 1;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b',' | b'}' if depth == 1 && found.is_some() => break,
            _ => {}
        }
        at += 1;
    }
    let start = found?;
    let end = at.min(object.len()).max(start);
    Some(start..start + object[start..end].trim_ascii_end().len())
}

/// Behind the closing quote of a text that begins there.
fn text_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_blanks(bytes: &[u8], start: usize) -> usize {
    let blanks = bytes[start.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_whitespace());
    start + blanks.count()
}

/// The beginning of a text, fit for one line of a terminal.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS: usize = 80;
    let mut shown: String = text.trim().chars().take(CHARS).flat_map(escape).collect();
    if text.trim().chars().nth(CHARS).is_some() {
        shown.push('…');
        shown.push_str(&format!(" ({} bytes)", text.len()));
    }
    shown
}

/// Control characters would disturb a terminal, so they are shown as escapes.
fn escape(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(column: Option<&str>, raw: ObjectLine) -> Reject {
        let refused = Reject {
            path: "s3://b/a.json".to_owned(),
            line: 7,
            column: 1,
            field: column.map(str::to_owned),
            reason: Reason::Refused("it does not fit".to_owned()),
            value: String::new(),
            engine: Some(Refusal {
                data_type: Some("varchar".to_owned()),
                length: Some(16),
                code: 1204,
                message: "String length exceeds DDL length".to_owned(),
                raw: Some(raw),
            }),
        };
        completed(&RecordShape::events(None), refused)
    }

    fn refused_line(column: Option<&str>, raw: &[u8]) -> Reject {
        refused(column, ObjectLine::new(raw))
    }

    #[test]
    fn a_record_that_is_wrong_for_us_as_well_gets_the_card_of_a_local_file() {
        let raw = br#"{"page":"Home","level":"free","sessionId":"x","itemInSession":0,"ts":1}"#;
        let reject = refused_line(Some("session_id"), raw);
        assert_eq!((reject.line, reject.column, reject.field.as_deref()), (7, 43, Some("sessionId")));
        assert!(matches!(reject.reason, Reason::WrongType { .. }), "{reject}");
        assert_eq!(reject.value, "\"x\"");
        let engine = reject.engine.unwrap();
        assert_eq!((engine.code, engine.declared_type().as_deref()), (1204, Some("varchar(16)")));
        assert_eq!(engine.raw, None, "what was looked at is not kept");
        assert!(matches!(refused_line(None, b"no JSON").reason, Reason::InvalidJson(_)));
        assert!(matches!(refused_line(None, b"{\"page\":\"Home\"").reason, Reason::Truncated(_)));
        let reject = refused_line(Some("page"), b"{\"page\":\"\xe9\"}");
        assert_eq!(
            (reject.reason, reject.column, reject.field.as_deref()),
            (Reason::InvalidUtf8, 10, Some("page"))
        );
    }

    #[test]
    fn a_record_that_only_the_engine_refuses_shows_the_value_with_its_place_and_the_engines_reason() {
        let raw = br#"{"page":"Home","level":"free","sessionId":1,"itemInSession" : 12 ,"ts":1}"#;
        let reject = refused_line(Some("item_in_session"), raw);
        assert_eq!((reject.column, reject.value.as_str()), (63, "12"));
        assert_eq!(reject.field.as_deref(), Some("itemInSession"));
        assert!(matches!(reject.reason, Reason::Refused(_)));
        // Of an object over several lines only the first is known.
        let reject = refused_line(Some("page"), b"{");
        assert_eq!((reject.column, reject.value.as_str()), (1, "{"));
        let long = ObjectLine { beginning: b"{\"page\":\"xxx".to_vec(), length: 5 << 20 };
        let reject = refused(None, long);
        assert!(matches!(reject.reason, Reason::Refused(_)));
        assert_eq!(reject.value, "{\"page\":\"xxx…");
    }

    #[test]
    fn a_value_is_found_by_its_key_on_the_first_level_only() {
        for (object, expected) in [
            (r#"{"a":{"ts":1},"ts":2}"#, Some("2")),
            (r#"{"a":"\"ts\":1","ts" : [1, {"x": 2}] }"#, Some(r#"[1, {"x": 2}]"#)),
            (r#"{"ts":"a, \"b\"","x":1}"#, Some(r#""a, \"b\"""#)),
            (r#"{"x":"ts","ts":"cut o"#, Some(r#""cut o"#)),
            (r#"{"ts":"#, Some("")),
            (r#"{"x":["ts"]}"#, None),
            ("nonsense", None),
        ] {
            let found = value_of(object.as_bytes(), "ts").map(|place| &object[place]);
            assert_eq!(found, expected, "{object}");
        }
    }
}
