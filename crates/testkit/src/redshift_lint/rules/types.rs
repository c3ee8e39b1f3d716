//! Types, in casts and in columns.

use super::{Findings, Rule, names::added_column, rules};
use crate::redshift_lint::{
    statement::Statement,
    token::Kind,
    vocabulary::{SERIAL_TYPES, UNSUPPORTED_TYPES},
};

pub(super) const RULES: &[Rule] = rules! {
    unsupported_type: "a type that Redshift has not";
    serial: "there are no SERIAL types, since there are no sequences";
    unbounded_text: "TEXT and VARCHAR without a length are VARCHAR(256), and a cast cuts what is longer";
    varchar_too_long: "VARCHAR has 65535 bytes at most";
    char_type: "CHAR takes ASCII only, and CHAR without a length is CHAR(1): use VARCHAR(n)";
    bare_numeric: "NUMERIC without precision and scale has scale 0: the fraction is lost";
    decimal_column: "COPY cuts JSON numbers off to the scale of a DECIMAL column: use DOUBLE PRECISION";
    single_precision_column: "REAL has 6 digits, too few for epoch milliseconds or coordinates: use DOUBLE PRECISION";
    interval_type: "INTERVAL as a type needs a qualifier: DAY TO SECOND or YEAR TO MONTH";
};

/// A place where a type stands.
struct Place {
    index: usize,
    /// Whether it is the type of a column, not of a cast.
    column: bool,
}

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    for place in places(findings.statement) {
        one(findings, &place);
    }
    typed_literals(findings);
}

fn one(findings: &mut Findings<'_, '_>, Place { index, column }: &Place) {
    let (index, column) = (*index, *column);
    let statement = findings.statement;
    let Some(token) = statement.tokens.get(index).filter(|token| token.names()) else { return };
    let name = token.name();
    let varying = statement.is(index + 1, "VARYING");
    let open = index + 1 + usize::from(varying);
    let arguments =
        if statement.symbol(open, "(") { statement.parts(statement.inside(open)) } else { Vec::new() };
    let has_precision = name == "double" && statement.is(index + 1, "PRECISION");
    if SERIAL_TYPES.contain(&name) {
        findings.add("serial", index, "derive the key, or count on from the highest");
    }
    if let Some((_, instead)) = UNSUPPORTED_TYPES.iter().find(|(known, _)| *known == name)
        && !has_precision
    {
        findings.add("unsupported_type", index, format!("there is no type {name}: use {instead}"));
    }
    match name.as_str() {
        "text" => findings.add("unbounded_text", index, "write VARCHAR(n), n in bytes"),
        "varchar" | "nvarchar" if arguments.is_empty() => {
            findings.add("unbounded_text", index, "write VARCHAR(n), n in bytes");
        }
        "character" | "char" if varying && arguments.is_empty() => {
            findings.add("unbounded_text", index, "write VARCHAR(n), n in bytes");
        }
        "character" | "char" | "nchar" | "bpchar" if !varying && (column || arguments.is_empty()) => {
            findings.add("char_type", index, "write VARCHAR(n), n in bytes");
        }
        "numeric" | "decimal" | "dec" if arguments.len() < 2 => {
            findings.add("bare_numeric", index, "write the precision and the scale: DECIMAL(p, s)");
        }
        "numeric" | "decimal" | "dec" if column => {
            findings.add("decimal_column", index, "write DOUBLE PRECISION");
        }
        "real" | "float4" if column => {
            findings.add("single_precision_column", index, "write DOUBLE PRECISION");
        }
        "interval" if !statement.is_any(index + 1, &["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]) => {
            findings.add("interval_type", index, "add a qualifier such as DAY TO SECOND");
        }
        _ => {}
    }
    if matches!(name.as_str(), "varchar" | "nvarchar" | "character" | "char")
        && let [length] = arguments.as_slice()
        && let Ok(length) = statement.tokens[length.start].text.parse::<u64>()
        && length > 65_535
    {
        findings.add("varchar_too_long", index, format!("{length} bytes are more than 65535"));
    }
}

/// `UUID '…'` and the like.
fn typed_literals(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in 1..statement.len() {
        let word = statement.tokens[index - 1];
        // A prefix such as e'…' has no blank between.
        let apart = word.at + word.text.len() < statement.at(index);
        if statement.kind(index) == Some(Kind::Text)
            && word.kind == Kind::Word
            && apart
            && let Some((name, instead)) = UNSUPPORTED_TYPES.iter().find(|(known, _)| word.is(known))
            && !statement.is(0, "COPY")
        {
            findings.add("unsupported_type", index - 1, format!("there is no type {name}: use {instead}"));
        }
    }
}

fn places(statement: &Statement<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for index in 0..statement.len() {
        if statement.symbol(index, "::") {
            places.push(Place { index: index + 1, column: false });
        }
        if statement.is_any(index, &["CAST", "TRY_CAST"]) && statement.symbol(index + 1, "(") {
            let inside = statement.inside(index + 1);
            let last = statement.outside(inside).into_iter().rfind(|index| statement.is(*index, "AS"));
            places.extend(last.map(|index| Place { index: index + 1, column: false }));
        }
    }
    if let Some(open) = statement.created_columns() {
        for part in statement.parts(statement.inside(open)) {
            let constraint =
                ["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT", "CHECK", "LIKE", "EXCLUDE", "SELECT", "WITH"];
            // A name alone is a column of CREATE TABLE … AS.
            if !statement.is_any(part.start, &constraint) && part.len() > 1 {
                places.push(Place { index: part.start + 1, column: true });
            }
        }
    }
    places.extend(added_column(statement).map(|column| Place { index: column + 1, column: true }));
    if statement.begins(&["ALTER", "TABLE"]) {
        places.extend(statement.find(&["TYPE"]).map(|index| Place { index: index + 1, column: true }));
    }
    places
}
