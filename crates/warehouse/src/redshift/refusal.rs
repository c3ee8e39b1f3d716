//! What COPY says of a record that it refused, in words that every engine shares.

use crate::{ObjectLine, RECORD_BYTES_MAX, Reason, RecordSet, Refusal, Reject};

/// A record that COPY refused, as the system view tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct Refused {
    /// The object, `s3://bucket/key`.
    pub(super) url: String,
    /// The line in it, from 1; 0 if the server does not say.
    pub(super) line: u64,
    /// The table's column, if one is to blame.
    column: Option<String>,
    said: Refusal,
}

impl Refused {
    /// A row of `load_error_detail`.
    pub(super) fn read(found: &RecordSet, row: usize) -> Self {
        let text = |column| found.text(row, column).filter(|text| !text.is_empty());
        Self {
            url: text(0).unwrap_or_default(),
            line: found.integer(row, 1).and_then(|line| u64::try_from(line).ok()).unwrap_or_default(),
            column: text(2),
            said: Refusal {
                data_type: text(3),
                // Types without a length have 0.
                length: text(4).and_then(|length| length.parse().ok()).filter(|length| *length > 0),
                code: found.integer(row, 6).unwrap_or_default(),
                message: text(7).unwrap_or_default(),
                raw: None,
            },
        }
    }

    /// The bad record, with its line as far as it could be read.
    pub(super) fn with_line(mut self, raw: Option<ObjectLine>) -> Reject {
        self.said.raw = raw;
        Reject {
            reason: reason(&self.said),
            path: self.url,
            line: self.line,
            column: 1,
            field: self.column,
            value: String::new(),
            engine: Some(self.said),
        }
    }
}

/// Why. One number stands for several faults, so the words, the type and the line decide as well.
fn reason(said: &Refusal) -> Reason {
    let message = said.message.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    let data_type = said.data_type.as_deref();
    let is_text = data_type.is_some_and(|name| name.contains("char") || name.contains("text"));
    let line_too_long = said.raw.as_ref().is_some_and(|line| line.length > RECORD_BYTES_MAX as u64);
    let not = |expected, found| Reason::WrongType { expected, found };
    match said.code {
        1204 if is_text || (data_type.is_none() && says(&["ddl length"])) => too_long(said),
        1204 => out_of_range(said),
        1205 | 1206 => not("a date or time", "none"),
        1207 if says(&["overflow", "out of range"]) => out_of_range(said),
        1207..=1209 if data_type.is_some_and(|name| name.starts_with("int")) => not("a whole number", "none"),
        1207..=1209 => not("a number", "none"),
        1210 => not("true or false", "neither"),
        1213 => Reason::Missing("missing, null or blank"),
        // Any line that cannot be used.
        1216 if line_too_long || says(&["maximum size", "exceeds the max", "4194304"]) => {
            Reason::RecordTooLong
        }
        1216 => Reason::InvalidJson(said.message.clone()),
        1218 | 1224 => Reason::NulCharacter,
        1219 | 1220 => Reason::InvalidUtf8,
        _ if says(&["ddl length"]) => too_long(said),
        _ if says(&["not-null", "not null"]) => Reason::Missing("missing, null or blank"),
        _ if says(&["overflow", "out of range"]) => out_of_range(said),
        _ if line_too_long => Reason::RecordTooLong,
        _ if says(&["json"]) => Reason::InvalidJson(said.message.clone()),
        _ => Reason::Refused(said.message.clone()),
    }
}

fn too_long(said: &Refusal) -> Reason {
    Reason::Refused(said.length.map_or_else(
        || "the text is longer than its column".to_owned(),
        |length| format!("the text is longer than the {length} bytes of its column"),
    ))
}

fn out_of_range(said: &Refusal) -> Reason {
    Reason::OutOfRange(said.declared_type().unwrap_or_else(|| "another type".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, data_type: &str, length: Option<u32>, message: &str) -> Refused {
        let data_type = (!data_type.is_empty()).then(|| data_type.to_owned());
        let said = Refusal { code, data_type, length, message: message.to_owned(), raw: None };
        Refused { url: "s3://b/log_data/a.json".to_owned(), line: 7, column: Some("artist".to_owned()), said }
    }

    #[test]
    fn a_refused_record_says_where_what_and_why() {
        let reject = refused(1204, "varchar", Some(1024), "String length exceeds DDL length").with_line(None);
        assert_eq!(
            reject.to_string(),
            "s3://b/log_data/a.json:7:1: field \"artist\": the engine refuses it: the text is longer than the 1024 \
             bytes of its column"
        );
        let engine = reject.engine.unwrap();
        assert_eq!((engine.code, engine.declared_type().as_deref()), (1204, Some("varchar(1024)")));
        let unknown = refused(0, "", None, "Something new").with_line(None);
        assert_eq!(unknown.reason, Reason::Refused("Something new".to_owned()));
    }

    #[test]
    fn one_number_of_an_error_has_the_reason_that_words_type_and_line_tell() {
        for (refused, reason) in [
            (
                refused(1204, "varchar", Some(16), "String length exceeds DDL length"),
                "longer than the 16 bytes of its column",
            ),
            (refused(1204, "int4", None, "Overflow, Value '3000000000'"), "out of range (int4)"),
            (refused(1204, "int8", None, "Value out of range"), "out of range (int8)"),
            (
                refused(1207, "int8", None, "Invalid digit, Value 'x', Pos 0, Type: Long"),
                "a whole number was expected, and this is none",
            ),
            (
                refused(1207, "float8", None, "Invalid digit, Value 'x', Pos 0, Type: Double"),
                "a number was expected, and this is none",
            ),
            (refused(1213, "int8", None, "Missing data for not-null field"), "required field is missing"),
            (refused(1216, "", None, "Invalid value."), "invalid JSON: Invalid value."),
            (
                refused(1216, "", None, "The JSON object exceeds the maximum size of 4194304 bytes"),
                "longer than 4194304 bytes",
            ),
            (
                refused(1220, "varchar", Some(16), "String contains invalid or unsupported UTF8"),
                "invalid UTF-8",
            ),
            (refused(1224, "varchar", Some(16), "Invalid null byte"), "NUL"),
        ] {
            let found = refused.with_line(None).reason.to_string();
            assert!(found.contains(reason), "{found}");
        }
        let long = ObjectLine { beginning: b"{".to_vec(), length: RECORD_BYTES_MAX as u64 + 1 };
        let reject = refused(1216, "", None, "Invalid value.").with_line(Some(long));
        assert_eq!(reject.reason, Reason::RecordTooLong, "the words are those of any invalid line");
    }
}
