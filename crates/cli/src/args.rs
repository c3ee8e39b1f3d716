//! The arguments.

use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

/// What the help says at its end.
const AFTER_HELP: &str = "\
Examples:
  sparkify-cli run                              try it: makes a sample, loads it, answers questions
  sparkify-cli run --source music               load music/log_data and music/song_data
  sparkify-cli generate --events 1000000 --out big   make data of any size, with known answers
  sparkify-cli run --source s3://music          load s3://music/log_data and s3://music/song_data
  sparkify-cli explore top_songs --format csv   ask again, without loading
  sparkify-cli explore --query 'SELECT COUNT(*) FROM songplays'

Settings come from flags, then SPARKIFY_* variables, then sparkify.toml (found upwards), then defaults; \
`sparkify-cli config show` tells where each came from.

Exit codes:
  0    done
  1    failure
  2    wrong usage
  3    bad data, or a quality check that failed
  4    something is left after teardown
  130  stopped by Ctrl-C or a request to terminate";

/// Turns JSON event logs and song metadata into a star schema that analysts can query.
#[derive(Debug, Parser)]
#[command(
    name = "sparkify-cli",
    bin_name = "sparkify-cli",
    version,
    about,
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// Settings that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings that every command takes. Each is text here, and read together with the environment and the
/// configuration file by [`crate::config`].
#[derive(Debug, Default, Args)]
pub struct GlobalArgs {
    /// Directory or prefix with log_data/ and song_data/: DIR or s3://BUCKET/PREFIX
    /// [env: SPARKIFY_SOURCE] [default: data, if it is there]
    #[arg(long, global = true, value_name = "PLACE", help_heading = "Settings", value_hint = ValueHint::DirPath)]
    pub source: Option<String>,

    /// Where the event files are, if elsewhere [env: SPARKIFY_LOG_DATA]
    #[arg(long, global = true, value_name = "PLACE", help_heading = "Settings", value_hint = ValueHint::DirPath)]
    pub log_data: Option<String>,

    /// Where the song files are, if elsewhere [env: SPARKIFY_SONG_DATA]
    #[arg(long, global = true, value_name = "PLACE", help_heading = "Settings", value_hint = ValueHint::DirPath)]
    pub song_data: Option<String>,

    /// The JSONPaths file of the events, if elsewhere [env: SPARKIFY_LOG_JSON_PATH]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings", value_hint = ValueHint::FilePath)]
    pub log_json_path: Option<String>,

    /// Region of the source's buckets [env: SPARKIFY_S3_REGION] [default: that of the AWS settings]
    #[arg(long, global = true, value_name = "REGION", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub s3_region: Option<String>,

    /// Address of an S3-compatible server [env: SPARKIFY_S3_ENDPOINT] [default: that of the AWS settings]
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings", value_hint = ValueHint::Url)]
    pub s3_endpoint: Option<String>,

    /// Whether the bucket stands in the path of a request (true) or in the host name (false); auto: in the path
    /// with an address of one's own [env: SPARKIFY_S3_PATH_STYLE] [default: auto]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub s3_path_style: Option<String>,

    /// Read public buckets without AWS credentials [env: SPARKIFY_S3_ANONYMOUS]
    #[arg(long, global = true, help_heading = "Settings")]
    pub s3_anonymous: bool,

    /// Where the tables are: duckdb:FILE, postgres://USER@HOST/DATABASE, redshift://USER@HOST/DATABASE or
    /// redshift://DEPLOYMENT [env: SPARKIFY_WAREHOUSE] [default: duckdb:sparkify.duckdb]
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub warehouse: Option<String>,

    /// Bad records that may be set aside in the table load_errors [env: SPARKIFY_MAX_ERRORS] [default: 0]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub max_errors: Option<String>,

    /// How plays are matched with songs: exact (title, artist and duration) or title-artist
    /// [env: SPARKIFY_MATCH_RULE] [default: exact]
    #[arg(long, global = true, value_name = "RULE", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub match_rule: Option<String>,

    /// Form of the results: table, json or csv [env: SPARKIFY_FORMAT] [default: table]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub format: Option<String>,

    /// How long to wait for a database that another process uses, such as 60s or 5m
    /// [env: SPARKIFY_WAIT] [default: 0s]
    #[arg(long, global = true, value_name = "TIME", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub wait: Option<String>,

    /// Memory that DuckDB may use [env: SPARKIFY_MEMORY_LIMIT] [default: 400MB]
    #[arg(long, global = true, value_name = "SIZE", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub memory_limit: Option<String>,

    /// Directory for what does not fit into DuckDB's memory [env: SPARKIFY_TEMP_DIR, TMPDIR]
    /// [default: beside the database]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings", value_hint = ValueHint::DirPath)]
    pub temp_dir: Option<String>,

    /// Threads that DuckDB and `generate` may use; 0 is one per core [env: SPARKIFY_THREADS] [default: 0]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub threads: Option<String>,

    /// Connections that write at once to a PostgreSQL server; 0 is one per core
    /// [env: SPARKIFY_CONNECTIONS] [default: 0]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings")]
    pub connections: Option<String>,

    /// How often a load begins anew after its connection was lost or another transaction was in the way
    /// [env: SPARKIFY_RETRIES] [default: 3]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub retries: Option<String>,

    /// Where a load into Redshift puts the files that COPY reads, for as long as it runs: s3://BUCKET/PREFIX
    /// [env: SPARKIFY_STAGE]
    #[arg(long, global = true, value_name = "URL", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub stage: Option<String>,

    /// Region of that bucket [env: SPARKIFY_STAGE_REGION] [default: what S3 says]
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub stage_region: Option<String>,

    /// The role that Redshift reads them with: its ARN, or `default` for the cluster's default role
    /// [env: SPARKIFY_IAM_ROLE]
    #[arg(long, global = true, value_name = "ROLE", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub iam_role: Option<String>,

    /// Whether records go into Redshift packed into few files (always), or large files are left to it as they
    /// are (auto), or all of them (never) [env: SPARKIFY_PACK] [default: auto]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub pack: Option<String>,

    /// Most compressed bytes of a packed file, 1MB to 16MB; with more than two slices the files of all slices share
    /// 32MB [env: SPARKIFY_PACK_SIZE] [default: 16MB]
    #[arg(long, global = true, value_name = "SIZE", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub pack_size: Option<String>,

    /// Directory with SQL files that replace or add to the built-in ones [env: SPARKIFY_SQL_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings", value_hint = ValueHint::DirPath)]
    pub sql_dir: Option<String>,

    /// Form of the logs: text or json [env: SPARKIFY_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings", value_hint = ValueHint::Other)]
    pub log_format: Option<String>,

    /// The deployment on AWS: the name from which the names of its resources are made
    /// [env: SPARKIFY_DEPLOYMENT] [default: warehouse]
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub deployment: Option<String>,

    /// The region of AWS [env: SPARKIFY_REGION, AWS_REGION] [default: that of the profile]
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub region: Option<String>,

    /// The profile of AWS, as `aws configure` makes them [env: SPARKIFY_PROFILE, AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS", value_hint = ValueHint::Other)]
    pub profile: Option<String>,

    /// Configuration file [default: sparkify.toml here or in a directory above]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings", value_hint = ValueHint::FilePath)]
    pub config: Option<std::path::PathBuf>,

    /// Answer yes to every question
    #[arg(long, short = 'y', global = true, help_heading = "Settings")]
    pub yes: bool,

    /// Show no progress bar
    #[arg(long, global = true, help_heading = "Settings")]
    pub no_progress: bool,

    /// Log more: -v what is done, -vv each statement
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = "Settings")]
    pub verbose: u8,

    /// Log errors only
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = "Settings")]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create the tables, load what is new, and answer the usual questions
    ///
    /// Without a source, and with no directory `data` here, a small sample is made in `sparkify-sample`
    /// first.
    Run(LoadArgs),
    /// Create the tables that are missing, and check that the others are as they should be
    CreateTables(CreateTablesArgs),
    /// Load the files that are new or changed
    Etl(LoadArgs),
    /// Run the quality checks; a failed one ends with exit code 3
    Check,
    /// Answer questions: all of the catalogue, some of it, or one of your own
    Explore(ExploreArgs),
    /// Make data in the format of the source, of any size, with known answers
    ///
    /// Simulates a music service: users who come and go, pay or not, and play songs from session to session in
    /// the rhythm of day and week. Writes log_data, song_data and log_json_path.json, and answers.json with what
    /// a load of them must give: rows and checksums of each table, and the answers to the questions of `explore`.
    /// The same seed and settings give the same bytes on every machine.
    Generate(Box<GenerateArgs>),
    /// Print the SQL that would run
    Sql(SqlArgs),
    /// Make the resources on AWS that a warehouse needs, or change them to what is configured
    ///
    /// Shows what it will do and what that costs, asks, and goes on where an earlier run was stopped. What
    /// is wanted is in the section `deployment` of sparkify.toml; docs/aws.md has its keys.
    Provision(ProvisionArgs),
    /// Show how the deployment is, where it is, and what has been changed by others
    Status(AccessArgs),
    /// Pause the cluster; its storage still costs
    Pause,
    /// Resume the cluster
    Resume,
    /// Go through everything that must be right to use the warehouse, with a remedy for what is not
    Doctor,
    /// Delete the resources of the deployment, and prove that nothing is left
    ///
    /// Only what carries the deployment's tag is deleted. Ends with exit code 4 if something is left.
    Teardown(TeardownArgs),
    /// Show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Arguments of `run` and `etl`.
#[derive(Debug, Default, Args)]
pub struct LoadArgs {
    /// Compare the content of every file, not only size and time
    #[arg(long)]
    pub verify_content: bool,
}

/// Arguments of `create-tables`.
#[derive(Debug, Args)]
pub struct CreateTablesArgs {
    /// Drop the tables with all their rows first; asks before it does
    #[arg(long)]
    pub drop: bool,
}

/// What the help of `generate` says at its end.
const AFTER_GENERATE: &str = "\
Examples:
  sparkify-cli generate --out data                              100 users, 1,000 songs, November 2018
  sparkify-cli generate --events 10_000_000 --songs 100_000 --out big --compress zst
  sparkify-cli generate --users 500 --traps --corrupt --out hard

Each of these settings may also be in the section [generate] of sparkify.toml, or in a variable \
SPARKIFY_GENERATE_<NAME>; there, seconds_between_pages, days_between_sessions, daily_damping, weekend_damping, \
weekend_offset and weekend_scale shape the rhythm.

A data set that was generated before is replaced. Anything else in the place is refused, unless with --force; files \
that do not belong to a data set always stay.";

/// Arguments of `generate`. Each is text here, and read together with the environment and the section
/// `[generate]` of the configuration file by [`crate::config::GenerateSettings`].
#[derive(Debug, Default, Args)]
#[command(after_long_help = AFTER_GENERATE)]
pub struct GenerateArgs {
    /// Where the data set goes: a directory, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", value_hint = ValueHint::DirPath)]
    pub out: Option<String>,
    /// Users at the start [default: 100]
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub users: Option<String>,
    /// Make as many users as it takes to have about so many events
    #[arg(long, value_name = "N", conflicts_with = "users", value_hint = ValueHint::Other)]
    pub events: Option<String>,
    /// Songs in song_data [default: 1000]
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub songs: Option<String>,
    /// Songs that there are in all; most of those that are played are not in song_data [default: 385252]
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub tracks: Option<String>,
    /// Share of the plays that are of a song in song_data, from 0 to 1 [default: 0.05]
    #[arg(long, value_name = "SHARE", value_hint = ValueHint::Other)]
    pub match_rate: Option<String>,
    /// When the log begins, in UTC [default: 2018-11-01]
    #[arg(long, value_name = "TIME", value_hint = ValueHint::Other)]
    pub from: Option<String>,
    /// When the log ends, in UTC, itself outside [default: 30 days later]
    #[arg(long, value_name = "TIME", value_hint = ValueHint::Other)]
    pub to: Option<String>,
    /// What all chance comes from [default: 1]
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub seed: Option<String>,
    /// New users a year for each user there is [default: 0.01]
    #[arg(long, value_name = "RATE", value_hint = ValueHint::Other)]
    pub growth_rate: Option<String>,
    /// Users a year who go without a word, for each user there is [default: 0]
    #[arg(long, value_name = "RATE", value_hint = ValueHint::Other)]
    pub attrition_rate: Option<String>,
    /// How data files are compressed: gz, zst or none [default: none]
    #[arg(long, value_name = "FORM", value_hint = ValueHint::Other)]
    pub compress: Option<String>,
    /// Plant the known difficulties: level changes, double-encoded text, duplicates, late files and more
    #[arg(long)]
    pub traps: bool,
    /// Plant malformed records
    #[arg(long)]
    pub corrupt: bool,
    /// Replace data that was not generated
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `explore`.
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// Questions of the catalogue; all of them if none is named
    #[arg(conflicts_with_all = ["query", "list"])]
    pub names: Vec<String>,
    /// A query of your own; nothing that writes is run
    #[arg(long, value_name = "SELECT …", conflicts_with = "list")]
    pub query: Option<String>,
    /// List the questions of the catalogue
    #[arg(long)]
    pub list: bool,
    /// Answer in CSV for spreadsheets: texts that look like formulas are disarmed, and a byte order mark says that the
    /// text is UTF-8
    #[arg(long)]
    pub csv_safe: bool,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// Tables or statements; without a name, all that `create-tables` and a load run, in order
    pub names: Vec<String>,
    /// duckdb, postgres or redshift
    #[arg(long, default_value = "duckdb")]
    pub dialect: String,
    /// List the names
    #[arg(long, conflicts_with = "names")]
    pub list: bool,
}

/// Arguments of `provision`.
#[derive(Debug, Default, Args)]
pub struct ProvisionArgs {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,
    /// With --plan: end with exit code 2 if there is something to do
    #[arg(long, requires = "plan")]
    pub detailed_exitcode: bool,
    /// Who may connect.
    #[command(flatten)]
    pub access: AccessArgs,
}

/// Who may connect to the warehouse.
#[derive(Debug, Default, Args)]
pub struct AccessArgs {
    /// Addresses that may connect, instead of this machine's only; can be repeated
    #[arg(long, value_name = "CIDR", value_hint = ValueHint::Other)]
    pub allow_cidr: Vec<String>,
    /// Allow the whole internet as --allow-cidr
    #[arg(long)]
    pub allow_anywhere: bool,
}

/// Arguments of `teardown`.
#[derive(Debug, Default, Args)]
pub struct TeardownArgs {
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    pub plan: bool,
    /// Take a final snapshot of the data, which costs until it is deleted
    #[arg(long, conflicts_with = "skip_final_snapshot")]
    pub final_snapshot: bool,
    /// Take no final snapshot: the data is gone
    #[arg(long)]
    pub skip_final_snapshot: bool,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting and where it came from; secrets are masked
    Show,
}
