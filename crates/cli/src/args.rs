//! The arguments.

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

/// Turns JSON event logs and song metadata into a star schema that analysts can query.
#[derive(Debug, Parser)]
#[command(
    name = "sparkify-cli",
    version,
    about,
    after_help = "Settings come from flags, then SPARKIFY_* variables, then sparkify.toml (found upwards), then \
                  defaults; `sparkify-cli config show` tells where each came from.\n\
                  Exit codes: 0 done, 1 failure, 2 wrong usage, 3 bad data, 130 stopped by Ctrl-C."
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
    /// Directory with log_data/ and song_data/ [env: SPARKIFY_SOURCE] [default: data, if it is there]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    pub source: Option<String>,

    /// Where the tables are: duckdb:FILE [env: SPARKIFY_WAREHOUSE] [default: duckdb:sparkify.duckdb]
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    pub warehouse: Option<String>,

    /// Bad records that may be set aside in the table load_errors [env: SPARKIFY_MAX_ERRORS] [default: 0]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings")]
    pub max_errors: Option<String>,

    /// How plays are matched with songs: exact (title, artist and duration) or title-artist
    /// [env: SPARKIFY_MATCH_RULE] [default: exact]
    #[arg(long, global = true, value_name = "RULE", help_heading = "Settings")]
    pub match_rule: Option<String>,

    /// Form of the results: table, json or csv [env: SPARKIFY_FORMAT] [default: table]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings")]
    pub format: Option<String>,

    /// How long to wait for a database that another process uses, such as 60s or 5m
    /// [env: SPARKIFY_WAIT] [default: 0s]
    #[arg(long, global = true, value_name = "TIME", help_heading = "Settings")]
    pub wait: Option<String>,

    /// Memory that DuckDB may use [env: SPARKIFY_MEMORY_LIMIT] [default: 350MB]
    #[arg(long, global = true, value_name = "SIZE", help_heading = "Settings")]
    pub memory_limit: Option<String>,

    /// Threads that DuckDB may use; 0 is one per core [env: SPARKIFY_THREADS] [default: 0]
    #[arg(long, global = true, value_name = "N", help_heading = "Settings")]
    pub threads: Option<String>,

    /// Directory with SQL files that replace or add to the built-in ones [env: SPARKIFY_SQL_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    pub sql_dir: Option<String>,

    /// Form of the logs: text or json [env: SPARKIFY_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings")]
    pub log_format: Option<String>,

    /// Configuration file [default: sparkify.toml here or in a directory above]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
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
    /// Run the quality checks
    Check,
    /// Answer questions: all of the catalogue, some of it, or one of your own
    Explore(ExploreArgs),
    /// Print the SQL that would run
    Sql(SqlArgs),
    /// The configuration
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
    /// Drop the tables with all their rows first
    #[arg(long)]
    pub drop: bool,
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
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// Tables or statements; without a name, all that a load runs, in order
    pub names: Vec<String>,
    /// duckdb, postgres or redshift
    #[arg(long, default_value = "duckdb")]
    pub dialect: String,
    /// List the names
    #[arg(long, conflicts_with = "names")]
    pub list: bool,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting and where it came from; secrets are masked
    Show,
}
