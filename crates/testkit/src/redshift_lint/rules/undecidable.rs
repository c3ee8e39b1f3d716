//! What no text shows.

use crate::redshift_lint::NotDecidable;

macro_rules! facts {
    ($($fact:literal: $reason:literal;)*) => {
        &[$(NotDecidable { fact: $fact, reason: $reason }),*]
    };
}

/// What is known about Redshift and cannot be seen in the text of a statement, with what sees to it instead.
pub const NOT_DECIDABLE: &[NotDecidable] = facts! {
    "PRIMARY KEY, UNIQUE and FOREIGN KEY are not enforced, and the planner trusts them":
        "whether they hold is in the rows; the quality checks prove them before each publish, and the double enforces none";
    "'abc ' = 'abc' is true for VARCHAR":
        "whether a text has trailing blanks is in the rows; the SQL files compare trimmed texts, and tests load such texts";
    "a length is in bytes, and longer values are an error":
        "how long a value is is in the rows; the reader measures bytes before any engine does";
    "CREATE TABLE IF NOT EXISTS takes a table of the same name and other columns":
        "what exists is in the database; create-tables and each load compare the columns of the catalog";
    "IDENTITY, LIKE and CREATE TABLE AS do not carry keys over":
        "whether a key is wanted is not in the statement; the run's own tables want none";
    "MERGE fails when two source rows match one target row":
        "whether there are two is in the rows; the transforms choose one row for each key first";
    "REMOVE DUPLICATES of MERGE needs the same columns in both tables":
        "the columns are in the database; the product does not use it";
    "epoch milliseconds divided by 1000 lose the milliseconds":
        "that an integer is meant is seen (integer_division), not that it counts milliseconds; a test holds the engines to the same timestamps";
    "TIMEFORMAT 'epochmillisecs' applies to every TIMESTAMP column of the COPY":
        "the types of the columns are in the database; the staging tables have BIGINT instead";
    "a JSON number with .0 may not load into BIGINT":
        "the numbers are in the files; the column registration is DOUBLE PRECISION, and the packed files are written from typed columns";
    "JSON 'auto' matches keys by case and leaves NULL where there is none":
        "the keys are in the files; for the tables of the model it is seen (copy_json_auto), and the load compares counts";
    "the order of JSONPaths must be that of the column list":
        "they are in two texts; the backend writes both from one list of columns";
    "an object of a JSON file has 4 MB at most":
        "the sizes are in the files; the reader refuses longer records";
    "an empty text loads as NULL into numbers and as '' into VARCHAR":
        "the values are in the files; the reader makes NULL of blank texts first";
    "with REGION, manifest and JSONPaths file must be in that region as well":
        "where a bucket is is not in its name; a load asks S3 where its stage is, and doctor compares the regions of all buckets";
    "a manifest of which the role may not read is reported as a manifest that is no full path":
        "the rights are not in the statement; the error card says so";
    "columns of Parquet files are matched by order and count":
        "they are in the files; the product writes JSON";
    "every requested isolation level is handled as serializable, and conflicts are error 1023":
        "whether two transactions conflict is known when they run; the backend runs the transaction again";
    "error 1018: the table was replaced after the snapshot":
        "what another session did is known when it runs; permanent tables are never replaced on Redshift";
    "LOCK keeps readers out of what is locked until the end":
        "how long it takes is not in the statement; only the private table is locked";
};
