//! COPY: which options there are, which exclude each other, and which a load of ours must have.

mod grammar;

use sparkify_schema::model::{RunTables, Table, table};

use self::grammar::{Copy, CopyOption};
use super::{Findings, Rule, rules::rules};

pub(super) const RULES: &[Rule] = rules! {
    copy_syntax: "COPY table [(columns)] FROM 's3://…' and options that exist";
    copy_source: "the source is an object of S3: s3://bucket/key";
    copy_repeated_option: "an option stands once";
    copy_exclusive_options: "options that exclude each other";
    copy_credentials: "a role reads the files: no keys in a statement, which system tables keep";
    copy_iam_role: "IAM_ROLE is 'arn:aws:iam::<account>:role/<name>', or default";
    copy_region: "without REGION a COPY from another region fails: always name it";
    copy_manifest: "a prefix takes whatever begins with it: list the files in a manifest";
    copy_manifest_key: "MANIFEST needs the full key of the manifest, no folder";
    copy_prefix: "a prefix matches as text, log_data_bak as well as log_data: end it with /";
    copy_max_error: "MAXERROR 0 must be stated: what is above loses rows in silence";
    copy_compression_update: "COMPUPDATE OFF must be stated: it would analyse the rows and change encodings";
    copy_statistics_update: "STATUPDATE OFF must be stated: it takes time for tables that are soon dropped";
    copy_json_option: "with JSON there is no DELIMITER, ESCAPE, FILLRECORD, IGNOREBLANKLINES, NULL AS, READRATIO or REMOVEQUOTES";
    copy_json_auto: "'auto' matches keys by case and loads NULL into columns with other names: use JSONPaths";
    copy_json_paths: "the JSONPaths file is one full key, and not below the prefix of the data";
    copy_columns: "with JSONPaths the columns are named, in the order of the paths";
    copy_columnar_option: "with PARQUET or ORC there is neither REGION nor MAXERROR, nor most of the other options";
    copy_option_value: "the value is none that the option takes";
    copy_hides_loss: "TRUNCATECOLUMNS, ACCEPTINVCHARS, ACCEPTANYDATE, IGNOREALLERRORS and FILLRECORD change or drop data without an error";
    copy_job: "a COPY JOB takes no manifest and ignores files that are there already";
};

const FORMATS: [&str; 7] = ["CSV", "JSON", "AVRO", "PARQUET", "ORC", "FIXEDWIDTH", "SHAPEFILE"];
const COMPRESSIONS: [&str; 4] = ["GZIP", "BZIP2", "LZOP", "ZSTD"];
const WITHOUT_JSON: [&str; 7] =
    ["DELIMITER", "ESCAPE", "FILLRECORD", "IGNOREBLANKLINES", "NULL", "READRATIO", "REMOVEQUOTES"];
const WITH_COLUMNAR: [&str; 9] = [
    "IAM_ROLE",
    "PARQUET",
    "ORC",
    "STATUPDATE",
    "MANIFEST",
    "FILLRECORD",
    "ACCEPTINVCHARS",
    "EXPLICIT_IDS",
    "SERIALIZETOJSON",
];
const EXCLUSIVE: [(&str, &str); 9] = [
    ("MAXERROR", "IGNOREALLERRORS"),
    ("CSV", "FIXEDWIDTH"),
    ("CSV", "REMOVEQUOTES"),
    ("CSV", "ESCAPE"),
    ("DELIMITER", "FIXEDWIDTH"),
    ("ESCAPE", "FIXEDWIDTH"),
    ("IAM_ROLE", "CREDENTIALS"),
    ("IAM_ROLE", "ACCESS_KEY_ID"),
    ("CREDENTIALS", "MASTER_SYMMETRIC_KEY"),
];
const HIDES_LOSS: [&str; 5] =
    ["TRUNCATECOLUMNS", "ACCEPTINVCHARS", "ACCEPTANYDATE", "IGNOREALLERRORS", "FILLRECORD"];

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    if !findings.statement.is(0, "COPY") {
        return;
    }
    let copy = match grammar::parse(findings.statement) {
        Ok(copy) => copy,
        Err((index, message)) => {
            findings.add("copy_syntax", index, message);
            return;
        }
    };
    if let Some(index) = copy.job {
        findings.add("copy_job", index, "load what a manifest lists");
    }
    options(findings, &copy);
    let columnar = copy.option("PARQUET").or(copy.option("ORC"));
    source(findings, &copy);
    demanded(findings, &copy, columnar.is_some());
    if columnar.is_some() {
        for option in copy.options.iter().filter(|option| !WITH_COLUMNAR.contains(&option.name)) {
            findings.add("copy_columnar_option", option.index, format!("leave {} out", option.name));
        }
    }
    if let Some(json) = copy.option("JSON") {
        check_json(findings, &copy, json);
    }
}

fn options(findings: &mut Findings<'_, '_>, copy: &Copy) {
    for (position, option) in copy.options.iter().enumerate() {
        let before = &copy.options[..position];
        if before.iter().any(|other| other.name == option.name) {
            findings.add("copy_repeated_option", option.index, format!("{} stands twice", option.name));
        }
        for group in [&FORMATS[..], &COMPRESSIONS[..]] {
            let other = before.iter().find(|other| other.name != option.name && group.contains(&other.name));
            if let (true, Some(other)) = (group.contains(&option.name), other) {
                let message = format!("{} or {}", other.name, option.name);
                findings.add("copy_exclusive_options", option.index, message);
            }
        }
        if HIDES_LOSS.contains(&option.name) {
            findings.add(
                "copy_hides_loss",
                option.index,
                format!("leave {} out, so that errors show", option.name),
            );
        }
        if matches!(option.name, "CREDENTIALS" | "ACCESS_KEY_ID" | "SECRET_ACCESS_KEY" | "SESSION_TOKEN") {
            findings.add("copy_credentials", option.index, "use IAM_ROLE");
        }
        if matches!(option.name, "SSH" | "READRATIO") && copy.option("JSON").is_none() {
            findings.add("copy_exclusive_options", option.index, format!("{} is not for S3", option.name));
        }
        if let Some(message) = wrong_value(option) {
            findings.add("copy_option_value", option.index, message);
        }
    }
    for (one, other) in EXCLUSIVE {
        if let (Some(_), Some(option)) = (copy.option(one), copy.option(other)) {
            findings.add("copy_exclusive_options", option.index, format!("{one} or {other}"));
        }
    }
    if let (None, Some(quote)) = (copy.option("CSV"), copy.option("QUOTE")) {
        findings.add("copy_exclusive_options", quote.index, "QUOTE is for CSV");
    }
}

fn wrong_value(option: &CopyOption) -> Option<String> {
    let value = option.argument.as_deref();
    let number = value.and_then(|value| value.parse::<u64>().ok());
    let wrong = match option.name {
        "REGION" => !value.is_some_and(is_region),
        "MAXERROR" => number.is_none_or(|number| number > 100_000),
        "COMPROWS" => number.is_none_or(|number| !(1000..=2_147_483_647).contains(&number)),
        "STATUPDATE" => value == Some("preset"),
        "ENCODING" => !value.is_some_and(|value| {
            ["utf8", "utf16", "utf16le", "utf16be", "iso88591"].contains(&value.to_lowercase().as_str())
        }),
        // Keywords of these are case-sensitive; a format is of letters that mean digits.
        "TIMEFORMAT" | "DATEFORMAT" => value.is_none_or(|value| {
            let lower = value.to_lowercase();
            let keyword = ["auto", "epochsecs", "epochmillisecs"].contains(&lower.as_str());
            let epoch_of_date = option.name == "DATEFORMAT" && lower.starts_with("epoch");
            (keyword && lower != value)
                || epoch_of_date
                || (!keyword && !lower.contains(['y', 'm', 'd', 'h', 's']))
        }),
        "ACCEPTINVCHARS" | "DELIMITER" | "QUOTE" => value.is_some_and(|value| {
            value.chars().count() != 1 && !(option.name == "DELIMITER" && value.starts_with('\\'))
        }),
        _ => false,
    };
    wrong.then(|| format!("{} does not take {}", option.name, value.unwrap_or("nothing")))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.len() >= 3
        && parts[0].len() == 2
        && parts.last().is_some_and(|last| last.len() == 1 && last.chars().all(|c| c.is_ascii_digit()))
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
}

/// Whether it names an object: a bucket, a slash, and a key.
pub(super) fn is_s3_url(url: &str) -> bool {
    url.strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}

fn source(findings: &mut Findings<'_, '_>, copy: &Copy) {
    if !is_s3_url(&copy.source) {
        findings.add("copy_source", copy.source_index, "write 's3://bucket/key'");
        return;
    }
    let folder = copy.source.ends_with('/');
    match copy.option("MANIFEST") {
        Some(_) if folder => {
            findings.add("copy_manifest_key", copy.source_index, "write the full key of the manifest");
        }
        Some(_) => {}
        None if folder => {
            findings.add(
                "copy_manifest",
                copy.source_index,
                "list the files in a manifest, and add MANIFEST",
            );
        }
        None => {
            let message = "list the files in a manifest, or at least end the prefix with /";
            findings.add("copy_prefix", copy.source_index, message);
        }
    }
}

/// What a load of ours must state.
fn demanded(findings: &mut Findings<'_, '_>, copy: &Copy, columnar: bool) {
    let role = copy.option("IAM_ROLE");
    let keys = copy.option("CREDENTIALS").or(copy.option("ACCESS_KEY_ID"));
    let good_role = role.is_some_and(|role| {
        let value = role.argument.as_deref().unwrap_or_default();
        if role.quoted { value.split(',').all(is_role) } else { value == "default" }
    });
    if !good_role && (role.is_some() || keys.is_none()) {
        let index = role.map_or(copy.source_index, |role| role.index);
        findings.add("copy_iam_role", index, "name the role that reads the files");
    }
    let state = |name: &str| copy.option(name).map(|option| option.argument.as_deref().unwrap_or("on"));
    let off = |name: &str| matches!(state(name), Some("off" | "false"));
    if !off("STATUPDATE") {
        let index = copy.option("STATUPDATE").map_or(copy.source_index, |option| option.index);
        findings.add("copy_statistics_update", index, "add STATUPDATE OFF");
    }
    if columnar {
        return;
    }
    if copy.option("REGION").is_none() {
        findings.add("copy_region", copy.source_index, "add REGION");
    }
    if state("MAXERROR") != Some("0") && copy.option("IGNOREALLERRORS").is_none() {
        let index = copy.option("MAXERROR").map_or(copy.source_index, |option| option.index);
        findings.add("copy_max_error", index, "add MAXERROR 0");
    }
    if !off("COMPUPDATE") {
        let index = copy.option("COMPUPDATE").map_or(copy.source_index, |option| option.index);
        findings.add("copy_compression_update", index, "add COMPUPDATE OFF");
    }
}

/// `arn:aws:iam::<account>:role/<name>`
fn is_role(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, "iam", "", account, resource]
        if partition.starts_with("aws")
            && account.len() == 12
            && account.chars().all(|c| c.is_ascii_digit())
            && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
}

fn check_json(findings: &mut Findings<'_, '_>, copy: &Copy, json: &CopyOption) {
    for option in copy.options.iter().filter(|option| WITHOUT_JSON.contains(&option.name)) {
        findings.add("copy_json_option", option.index, format!("leave {} out", option.name));
    }
    match json.argument.as_deref().unwrap_or("auto") {
        "noshred" => {}
        "auto" => {
            // 'auto' and names that differ from their keys.
            let other = model(&copy.table).into_iter().flat_map(|table| table.columns).find(|column| {
                let loaded = copy
                    .columns
                    .as_ref()
                    .is_none_or(|columns| columns.iter().any(|name| name == column.name));
                loaded && !column.source_key.is_empty() && column.source_key != column.name
            });
            if let Some(column) = other {
                let message =
                    format!("{} would not load into {}: use JSONPaths", column.source_key, column.name);
                findings.add("copy_json_auto", json.index, message);
            }
        }
        "auto ignorecase" => {
            findings.add("copy_json_auto", json.index, "userId would not load into user_id: use JSONPaths");
        }
        paths => {
            // Without a manifest everything below the prefix is data.
            let among_data = copy.option("MANIFEST").is_none() && paths.starts_with(&copy.source);
            if !is_s3_url(paths) || paths.ends_with('/') || among_data || paths == copy.source {
                findings.add(
                    "copy_json_paths",
                    json.index,
                    "name the file by its full key, outside of the data",
                );
            }
            if copy.columns.as_ref().is_none_or(Vec::is_empty) {
                findings.add(
                    "copy_columns",
                    json.index,
                    "name the columns behind the table, in the order of the paths",
                );
            }
        }
    }
}

fn model(name: &str) -> Option<Table> {
    table(name).cloned().or_else(|| RunTables::all().into_iter().find(|table| table.name == name))
}
