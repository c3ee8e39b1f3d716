//! The grammar of COPY: `COPY table [(columns)] FROM 'source' option …`.

use crate::redshift_lint::{
    statement::Statement,
    token::{Kind, Token},
};

/// What follows the name of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// `[AS] 'text'`
    Text,
    /// `[AS] ['text']`
    OptionalText,
    /// `[AS] number`
    Number,
    /// `[ON | OFF | TRUE | FALSE | PRESET]`
    Switch,
    /// `[AS]` and a word or a text
    WordOrText,
}

/// Every option that COPY from S3 has.
const OPTIONS: &[(&str, Takes)] = &[
    ("ACCEPTANYDATE", Takes::Nothing),
    ("ACCEPTINVCHARS", Takes::OptionalText),
    ("ACCESS_KEY_ID", Takes::Text),
    ("AVRO", Takes::OptionalText),
    ("BLANKSASNULL", Takes::Nothing),
    ("BZIP2", Takes::Nothing),
    ("COMPROWS", Takes::Number),
    ("COMPUPDATE", Takes::Switch),
    ("CREDENTIALS", Takes::Text),
    ("CSV", Takes::Nothing),
    ("DATEFORMAT", Takes::Text),
    ("DELIMITER", Takes::Text),
    ("EMPTYASNULL", Takes::Nothing),
    ("ENCODING", Takes::WordOrText),
    ("ENCRYPTED", Takes::Nothing),
    ("ESCAPE", Takes::Nothing),
    ("EXPLICIT_IDS", Takes::Nothing),
    ("FILLRECORD", Takes::Nothing),
    ("FIXEDWIDTH", Takes::Text),
    ("GZIP", Takes::Nothing),
    ("IAM_ROLE", Takes::WordOrText),
    ("IGNOREALLERRORS", Takes::Nothing),
    ("IGNOREBLANKLINES", Takes::Nothing),
    ("IGNOREHEADER", Takes::Number),
    ("JSON", Takes::OptionalText),
    ("LZOP", Takes::Nothing),
    ("MANIFEST", Takes::Nothing),
    ("MASTER_SYMMETRIC_KEY", Takes::Text),
    ("MAXERROR", Takes::Number),
    ("NOLOAD", Takes::Nothing),
    ("NULL", Takes::Text),
    ("ORC", Takes::Nothing),
    ("PARQUET", Takes::Nothing),
    ("QUOTE", Takes::Text),
    ("READRATIO", Takes::Number),
    ("REGION", Takes::Text),
    ("REMOVEQUOTES", Takes::Nothing),
    ("ROUNDEC", Takes::Nothing),
    ("SECRET_ACCESS_KEY", Takes::Text),
    ("SERIALIZETOJSON", Takes::Nothing),
    ("SESSION_TOKEN", Takes::Text),
    ("SHAPEFILE", Takes::Nothing),
    ("SSH", Takes::Nothing),
    ("STATUPDATE", Takes::Switch),
    ("TIMEFORMAT", Takes::Text),
    ("TRIMBLANKS", Takes::Nothing),
    ("TRUNCATECOLUMNS", Takes::Nothing),
    ("ZSTD", Takes::Nothing),
];

/// An option of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyOption {
    pub(super) name: &'static str,
    /// The index of its name.
    pub(super) index: usize,
    /// What follows it, quotes and escapes resolved.
    pub(super) argument: Option<String>,
    /// Whether that was in quotes.
    pub(super) quoted: bool,
}

/// A COPY that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    /// The table without its schema.
    pub(super) table: String,
    pub(super) columns: Option<Vec<String>>,
    /// What it reads, and the index of that literal.
    pub(super) source: String,
    pub(super) source_index: usize,
    pub(super) options: Vec<CopyOption>,
    /// The index behind the options of `JOB …`, which belongs to no load of ours.
    pub(super) job: Option<usize>,
}

impl Copy {
    pub(super) fn option(&self, name: &str) -> Option<&CopyOption> {
        self.options.iter().find(|option| option.name == name)
    }
}

/// What is wrong, and the index of the token.
pub(super) type Refusal = (usize, String);

pub(super) fn parse(statement: &Statement<'_>) -> Result<Copy, Refusal> {
    let (name, mut at) = statement.qualified_name(1).ok_or((1, "a table should follow COPY".to_owned()))?;
    let columns = statement.symbol(at, "(").then(|| {
        let parts = statement.parts(statement.inside(at));
        parts
            .iter()
            .map(|part| statement.tokens.get(part.start).map_or_else(String::new, Token::name))
            .collect()
    });
    if columns.is_some() {
        at = statement.behind(at);
    }
    if !statement.is(at, "FROM") {
        return Err((at, "FROM should stand here".to_owned()));
    }
    let source_index = at + 1;
    let source =
        text(statement, source_index).ok_or((source_index, "the source should be a text".to_owned()))?;
    let mut copy = Copy {
        table: name.last().cloned().unwrap_or_default(),
        columns,
        source,
        source_index,
        options: Vec::new(),
        job: None,
    };
    at += 2;
    while at < statement.len() && !statement.symbol(at, ";") {
        if statement.is(at, "JOB") {
            copy.job = Some(at);
            break;
        }
        if statement.is(at, "FORMAT") {
            at += 1 + usize::from(statement.is(at + 1, "AS"));
        }
        at = option(statement, at, &mut copy)?;
    }
    Ok(copy)
}

fn option(statement: &Statement<'_>, index: usize, copy: &mut Copy) -> Result<usize, Refusal> {
    let known = OPTIONS.iter().find(|(name, _)| statement.is(index, name));
    let Some((name, takes)) = known else {
        let found = statement.tokens.get(index).map_or("nothing", |token| token.text);
        return Err((index, format!("COPY has no option {found}")));
    };
    let mut at = index + 1;
    if *takes != Takes::Nothing && statement.is(at, "AS") {
        at += 1;
    }
    let literal = text(statement, at);
    let number = (statement.kind(at) == Some(Kind::Number)).then(|| statement.tokens[at].text.to_owned());
    let switch =
        statement.is_any(at, &["ON", "OFF", "TRUE", "FALSE", "PRESET"]).then(|| statement.tokens[at].name());
    let word = (statement.kind(at) == Some(Kind::Word)).then(|| statement.tokens[at].name());
    let missing = |what: &str| (at, format!("{name} needs {what}"));
    let quoted = literal.is_some();
    let argument = match takes {
        Takes::Nothing => None,
        Takes::Text => Some(literal.ok_or_else(|| missing("a text"))?),
        Takes::OptionalText => literal,
        Takes::Number => Some(number.ok_or_else(|| missing("a number"))?),
        Takes::Switch => switch,
        Takes::WordOrText => Some(literal.or(word).ok_or_else(|| missing("a word or a text"))?),
    };
    let behind = at + usize::from(argument.is_some());
    copy.options.push(CopyOption { name, index, argument, quoted: quoted && behind > at });
    // SHAPEFILE [SIMPLIFY [AUTO] [tolerance]]
    let mut behind = behind;
    if *name == "SHAPEFILE" && statement.is(behind, "SIMPLIFY") {
        behind += 1 + usize::from(statement.is(behind + 1, "AUTO"));
        behind += usize::from(statement.kind(behind) == Some(Kind::Number));
    }
    Ok(behind)
}

fn text(statement: &Statement<'_>, index: usize) -> Option<String> {
    statement.tokens.get(index).filter(|token| token.kind == Kind::Text).map(Token::value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_taken_apart() {
        let sql = "COPY s.events (ts, \"level\") FROM 's3://b/m' IAM_ROLE default MANIFEST REGION AS 'us-west-2' \
                   FORMAT AS JSON 's3://b/p.json' GZIP NULL AS '\\\\N' MAXERROR AS 0 COMPUPDATE OFF STATUPDATE;";
        let copy = parse(&Statement::read(sql).unwrap()).unwrap();
        assert_eq!((copy.table.as_str(), copy.source.as_str()), ("events", "s3://b/m"));
        assert_eq!(copy.columns.as_deref(), Some(&["ts".to_owned(), "level".to_owned()][..]));
        let options: Vec<_> = copy
            .options
            .iter()
            .map(|option| (option.name, option.argument.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            options,
            [
                ("IAM_ROLE", "default"),
                ("MANIFEST", "-"),
                ("REGION", "us-west-2"),
                ("JSON", "s3://b/p.json"),
                ("GZIP", "-"),
                ("NULL", "\\N"),
                ("MAXERROR", "0"),
                ("COMPUPDATE", "off"),
                ("STATUPDATE", "-"),
            ]
        );
        assert!(!copy.option("IAM_ROLE").unwrap().quoted && copy.option("REGION").unwrap().quoted);
    }

    #[test]
    fn what_is_no_copy_is_refused_where_it_ends_to_be_one() {
        for (sql, at) in [
            ("COPY 's3://b/m'", 1),
            ("COPY t 's3://b/m'", 2),
            ("COPY t FROM stdin", 3),
            ("COPY t FROM 's3://b/m' MANIFESTO", 4),
            ("COPY t FROM 's3://b/m' REGION us", 5),
            ("COPY t FROM 's3://b/m' MAXERROR 'many'", 5),
        ] {
            assert_eq!(parse(&Statement::read(sql).unwrap()).unwrap_err().0, at, "{sql}");
        }
    }
}
