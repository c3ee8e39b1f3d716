//! The statement `COPY … FROM 's3://…'`.

use crate::redshift::{
    error::ServerError,
    sql::{Kind, Token},
};

type Result<T> = std::result::Result<T, ServerError>;

/// How keys of the objects find columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redshift) enum Json {
    /// Keys are the names of columns, exactly.
    Auto,
    /// Keys are the names of columns but for their case.
    AutoIgnoreCase,
    /// A file says which key fills which column.
    Paths(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redshift) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What a number for a TIMESTAMP means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redshift) enum TimeFormat {
    /// `YYYY-MM-DD HH:MI:SS`.
    Standard,
    /// Also with a `T`, a zone or fractions of a second.
    Auto,
    EpochSeconds,
    EpochMilliseconds,
}

/// A parsed COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redshift) struct CopyStatement {
    /// The table as it is to be written.
    pub(in crate::redshift) table: String,
    /// Its name without schema.
    pub(in crate::redshift) table_name: String,
    pub(in crate::redshift) columns: Option<Vec<String>>,
    pub(in crate::redshift) source: String,
    /// `None` for the cluster's default role.
    pub(in crate::redshift) iam_role: Option<String>,
    pub(in crate::redshift) manifest: bool,
    pub(in crate::redshift) region: Option<String>,
    pub(in crate::redshift) json: Json,
    pub(in crate::redshift) compression: Compression,
    pub(in crate::redshift) time_format: TimeFormat,
    pub(in crate::redshift) truncate_columns: bool,
    pub(in crate::redshift) blanks_as_null: bool,
    pub(in crate::redshift) empty_as_null: bool,
    pub(in crate::redshift) accept_invalid: Option<char>,
    pub(in crate::redshift) round: bool,
    pub(in crate::redshift) max_error: u64,
    pub(in crate::redshift) ignore_all_errors: bool,
    pub(in crate::redshift) no_load: bool,
}

/// What cannot be said together with JSON.
const NOT_WITH_JSON: [&str; 11] = [
    "csv",
    "delimiter",
    "escape",
    "fillrecord",
    "fixedwidth",
    "ignoreblanklines",
    "ignoreheader",
    "null",
    "quote",
    "readratio",
    "removequotes",
];

/// What Redshift knows and the double does not do.
const NOT_DONE: [&str; 15] = [
    "access_key_id",
    "acceptanydate",
    "avro",
    "bzip2",
    "credentials",
    "dateformat",
    "encrypted",
    "explicit_ids",
    "lzop",
    "orc",
    "parquet",
    "secret_access_key",
    "session_token",
    "shapefile",
    "ssh",
];

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<&'a Token> {
        let token = self.peek().ok_or_else(|| ServerError::syntax("syntax error at end of input"))?;
        self.at += 1;
        Ok(token)
    }

    fn take(&mut self, what: &str) -> bool {
        let taken = self.peek().is_some_and(|token| token.is(what));
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, what: &str) -> Result<()> {
        let token = self.next()?;
        if token.is(what) { Ok(()) } else { Err(ServerError::syntax_at(&token.value)) }
    }

    fn identifier(&mut self) -> Result<String> {
        let token = self.next()?;
        if token.is_identifier() {
            Ok(token.value.to_lowercase())
        } else {
            Err(ServerError::syntax_at(&token.value))
        }
    }

    fn text(&mut self) -> Result<String> {
        self.take("as");
        let token = self.next()?;
        if token.kind == Kind::Text {
            Ok(token.value.clone())
        } else {
            Err(ServerError::syntax_at(&token.value))
        }
    }

    fn text_if_any(&mut self) -> Option<String> {
        let ahead = usize::from(self.peek().is_some_and(|token| token.is("as")));
        let token = self.tokens.get(self.at + ahead).filter(|token| token.kind == Kind::Text)?;
        self.at += ahead + 1;
        Some(token.value.clone())
    }

    fn number(&mut self) -> Result<u64> {
        self.take("as");
        let token = self.next()?;
        token.value.parse().map_err(|_| ServerError::syntax_at(&token.value))
    }

    fn switch(&mut self) {
        let _ = ["on", "off", "true", "false", "preset"].into_iter().any(|word| self.take(word));
    }
}

impl CopyStatement {
    /// Reads the tokens of the whole statement.
    pub(in crate::redshift) fn parse(tokens: &[Token]) -> Result<Self> {
        let mut parser = Parser { tokens, at: 0 };
        parser.expect("copy")?;
        let (table, table_name) = table(&mut parser)?;
        let columns = columns(&mut parser)?;
        parser.expect("from")?;
        if parser.peek().is_some_and(|token| token.is("stdin")) {
            return Err(ServerError::new("0A000", "COPY FROM STDIN is not supported"));
        }
        let source = parser.text()?;
        let mut statement = Self {
            table,
            table_name,
            columns,
            source,
            iam_role: None,
            manifest: false,
            region: None,
            json: Json::Auto,
            compression: Compression::None,
            time_format: TimeFormat::Standard,
            truncate_columns: false,
            blanks_as_null: false,
            empty_as_null: false,
            accept_invalid: None,
            round: false,
            max_error: 0,
            ignore_all_errors: false,
            no_load: false,
        };
        let mut seen = Vec::new();
        while let Some(token) = parser.peek() {
            parser.at += 1;
            if token.kind != Kind::Word {
                return Err(ServerError::syntax_at(&token.value));
            }
            let option = token.value.as_str();
            if option == "format" {
                parser.take("as");
                continue;
            }
            if seen.contains(&option) {
                return Err(ServerError::syntax(format!("conflicting or redundant options: {option}")));
            }
            seen.push(option);
            statement.option(option, &mut parser)?;
        }
        statement.check(&seen)?;
        Ok(statement)
    }

    fn option(&mut self, option: &str, parser: &mut Parser<'_>) -> Result<()> {
        match option {
            "iam_role" => {
                if !parser.take("default") {
                    self.iam_role = Some(parser.text()?);
                }
            }
            "manifest" => self.manifest = true,
            "region" => self.region = Some(parser.text()?),
            "json" => self.json = json(parser.text_if_any())?,
            "gzip" => self.compression = Compression::Gzip,
            "zstd" => self.compression = Compression::Zstd,
            "timeformat" => self.time_format = time_format(&parser.text()?)?,
            "truncatecolumns" => self.truncate_columns = true,
            "blanksasnull" => self.blanks_as_null = true,
            "emptyasnull" => self.empty_as_null = true,
            "acceptinvchars" => self.accept_invalid = Some(replacement(parser.text_if_any())?),
            "roundec" => self.round = true,
            "maxerror" => self.max_error = parser.number()?,
            "ignoreallerrors" => self.ignore_all_errors = true,
            "noload" => self.no_load = true,
            "compupdate" | "statupdate" => parser.switch(),
            "comprows" => {
                parser.number()?;
            }
            "encoding" => {
                let encoding = parser.text().or_else(|_| parser.identifier())?;
                if !encoding.eq_ignore_ascii_case("utf8") {
                    return Err(ServerError::new("0A000", "the double reads UTF-8 only"));
                }
            }
            "trimblanks" => return Err(not_done(option)),
            _ if NOT_DONE.contains(&option) => return Err(not_done(option)),
            _ if NOT_WITH_JSON.contains(&option) => {
                let option = option.to_uppercase();
                let message = format!("{option} is not supported for COPY with JSON");
                return Err(ServerError::new("0A000", message));
            }
            _ => return Err(ServerError::syntax_at(option)),
        }
        Ok(())
    }

    fn check(&self, seen: &[&str]) -> Result<()> {
        if !self.source.starts_with("s3://") {
            return Err(ServerError::new("0A000", "the double loads from s3:// only"));
        }
        if !seen.contains(&"iam_role") {
            let message = "No credentials found. Specify IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID";
            return Err(ServerError::new("42601", message));
        }
        if let Some(role) = &self.iam_role
            && !is_role(role)
        {
            return Err(ServerError::new("42601", format!("Invalid role name or ARN: {role}")));
        }
        if !seen.contains(&"json") {
            return Err(ServerError::new("0A000", "the double loads JSON only"));
        }
        if self.max_error > 100_000 {
            return Err(ServerError::new("22023", "MAXERROR must be between 0 and 100000"));
        }
        if self.ignore_all_errors && seen.contains(&"maxerror") {
            return Err(ServerError::new("42601", "MAXERROR cannot be used with IGNOREALLERRORS"));
        }
        if self.compression != Compression::None && seen.contains(&"gzip") && seen.contains(&"zstd") {
            return Err(ServerError::syntax("conflicting or redundant options: zstd"));
        }
        Ok(())
    }

    /// How many records may be bad; one less than the number at which COPY fails.
    pub(in crate::redshift) const fn errors_allowed(&self) -> u64 {
        if self.ignore_all_errors { u64::MAX } else { self.max_error.saturating_sub(1) }
    }
}

fn table(parser: &mut Parser<'_>) -> Result<(String, String)> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let first = parser.identifier()?;
    if !parser.take(".") {
        return Ok((quoted(&first), first));
    }
    let second = parser.identifier()?;
    Ok((format!("{}.{}", quoted(&first), quoted(&second)), second))
}

fn columns(parser: &mut Parser<'_>) -> Result<Option<Vec<String>>> {
    if !parser.take("(") {
        return Ok(None);
    }
    let mut columns = Vec::new();
    loop {
        let column = parser.identifier()?;
        if columns.contains(&column) {
            return Err(ServerError::new("42701", format!("column \"{column}\" specified more than once")));
        }
        columns.push(column);
        if !parser.take(",") {
            parser.expect(")")?;
            return Ok(Some(columns));
        }
    }
}

fn json(argument: Option<String>) -> Result<Json> {
    match argument.as_deref() {
        None | Some("auto") => Ok(Json::Auto),
        Some("auto ignorecase") => Ok(Json::AutoIgnoreCase),
        Some("noshred") => Err(not_done("JSON 'noshred'")),
        Some(url) if url.starts_with("s3://") => Ok(Json::Paths(url.to_owned())),
        Some(other) => Err(ServerError::new("42601", format!("Invalid JSONPath format: {other}"))),
    }
}

fn time_format(format: &str) -> Result<TimeFormat> {
    match format {
        "auto" => Ok(TimeFormat::Auto),
        "epochsecs" => Ok(TimeFormat::EpochSeconds),
        "epochmillisecs" => Ok(TimeFormat::EpochMilliseconds),
        "YYYY-MM-DD HH:MI:SS" | "YYYY-MM-DD HH24:MI:SS" => Ok(TimeFormat::Standard),
        other => Err(ServerError::new("0A000", format!("the double does not do TIMEFORMAT '{other}'"))),
    }
}

fn replacement(argument: Option<String>) -> Result<char> {
    let argument = argument.unwrap_or_else(|| "?".to_owned());
    let mut characters = argument.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if character.is_ascii() && character != '\0' => Ok(character),
        _ => Err(ServerError::new("42601", "ACCEPTINVCHARS takes one ASCII character")),
    }
}

/// Whether it is the name of one role or of several, one assuming the other.
fn is_role(text: &str) -> bool {
    !text.is_empty()
        && text.split(',').all(|role| {
            let parts: Vec<_> = role.split(':').collect();
            matches!(parts[..], ["arn", "aws" | "aws-cn" | "aws-us-gov", "iam", "", account, name]
                if account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
                    && name.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
        })
}

fn not_done(what: &str) -> ServerError {
    ServerError::new("0A000", format!("the double does not do COPY with {}", what.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redshift::sql::tokens;

    const ROLE: &str = "IAM_ROLE 'arn:aws:iam::123456789012:role/load'";

    fn parsed(sql: &str) -> Result<CopyStatement> {
        CopyStatement::parse(&tokens(sql).unwrap())
    }

    #[test]
    fn all_options_of_a_load_are_read() {
        let copy = parsed(&format!(
            "COPY s.events (artist, \"User_Id\") FROM 's3://b/m.manifest' {ROLE} MANIFEST REGION 'us-west-2' \
             FORMAT AS JSON 's3://b/paths.json' GZIP TRUNCATECOLUMNS BLANKSASNULL EMPTYASNULL \
             ACCEPTINVCHARS AS '^' COMPUPDATE OFF STATUPDATE OFF MAXERROR 0 TIMEFORMAT 'epochmillisecs'"
        ))
        .unwrap();
        assert_eq!((copy.table.as_str(), copy.table_name.as_str()), ("\"s\".\"events\"", "events"));
        assert_eq!(copy.columns.as_deref(), Some(&["artist".to_owned(), "user_id".to_owned()][..]));
        assert_eq!(copy.json, Json::Paths("s3://b/paths.json".to_owned()));
        assert_eq!(copy.region.as_deref(), Some("us-west-2"));
        assert!(copy.manifest && copy.truncate_columns && copy.blanks_as_null && copy.empty_as_null);
        assert_eq!((copy.accept_invalid, copy.compression), (Some('^'), Compression::Gzip));
        assert_eq!((copy.errors_allowed(), copy.time_format), (0, TimeFormat::EpochMilliseconds));
    }

    #[test]
    fn what_redshift_does_not_take_is_refused() {
        for rest in [
            "JSON 'auto' CSV",
            "JSON 'auto' NULL AS ''",
            "JSON 'auto' DELIMITER ','",
            "JSON 'auto' MAXERROR 100001",
            "JSON 'auto' MAXERROR 1 IGNOREALLERRORS",
            "JSON 'auto' JSON 'auto'",
            "JSON 'automatic'",
            "JSON 'auto' GZIP ZSTD",
            "JSON 'auto' FASTER",
            "JSON 'auto' ACCEPTINVCHARS AS '??'",
            "",
        ] {
            let sql = format!("COPY t FROM 's3://b/k' {ROLE} {rest}");
            assert!(parsed(&sql).is_err(), "{rest}");
        }
        assert!(parsed("COPY t FROM 's3://b/k' JSON 'auto'").is_err(), "no role");
        assert!(parsed("COPY t FROM 's3://b/k' IAM_ROLE 'load' JSON 'auto'").is_err(), "no ARN");
        assert!(parsed(&format!("COPY t (a, a) FROM 's3://b/k' {ROLE} JSON 'auto'")).is_err());
        assert!(parsed("COPY t FROM STDIN").is_err());
    }

    #[test]
    fn a_number_of_errors_fails_the_load_from_max_error_on() {
        for (max_error, allowed) in [(0, 0), (1, 0), (2, 1)] {
            let sql = format!("COPY t FROM 's3://b/k' {ROLE} JSON 'auto' MAXERROR {max_error}");
            assert_eq!(parsed(&sql).unwrap().errors_allowed(), allowed);
        }
        let default = parsed("COPY t FROM 's3://b/k' IAM_ROLE default FORMAT JSON").unwrap();
        assert_eq!((default.iam_role, default.json), (None, Json::Auto));
    }
}
