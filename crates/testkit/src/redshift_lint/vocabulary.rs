//! The words of Redshift SQL.
//!
//! From the Database Developer Guide: reserved words (r_pg_keywords), functions that are not there
//! (c_unsupported-postgresql-functions), functions of the leader node only
//! (c_SQL_functions_leader_node_only), types (c_unsupported-postgresql-datatypes), date parts
//! (r_Dateparts_for_datetime_functions).

/// Words in lower case.
#[derive(Debug)]
pub(super) struct Words(&'static str);

impl Words {
    /// The words of a text.
    pub(super) const fn new(words: &'static str) -> Self {
        Self(words)
    }

    /// Whether the word, in lower case, is one of them.
    pub(super) fn contain(&self, word: &str) -> bool {
        self.0.split_ascii_whitespace().any(|own| own == word)
    }
}

/// Words that cannot be names unless they are quoted.
pub(super) static RESERVED: Words = Words(
    "
    aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup
    between binary blanksasnull both bytedict bzip2 case cast check collate column connect constraint
    create credentials cross current_date current_time current_timestamp current_user current_user_id
    default deferrable deflate defrag delta delta32k desc disable distinct do else emptyasnull enable
    encode encrypt encryption end except explicit false for foreign freeze from full globaldict256
    globaldict64k grant group gzip having identity ignore ilike in initially inner intersect interval
    into is isnull join language leading left like limit localtime localtimestamp lun luns lzo lzop
    minus mostly13 mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset oid
    old on only open or order outer overlaps parallel partition percent permissions pivot placing
    primary raw readratio recover references rejectlog resort respect restore right select session_user
    similar snapshot some start sysdate system table tag tdes text255 text32k then timestamp to top
    trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when where with
    without
    ",
);

/// Reserved words that no query and no writing statement has a use for: wherever one stands alone, it was
/// meant as a name.
pub(super) static RESERVED_WITHOUT_USE: Words = Words(
    "
    aes128 aes256 allowoverwrite az64 backup bytedict bzip2 credentials deflate defrag delta delta32k
    disable emptyasnull enable encrypt encryption explicit globaldict256 globaldict64k gzip language lun
    luns lzo lzop mostly13 mostly16 mostly32 mostly8 new offline oid old open parallel permissions raw
    recover rejectlog resort restore snapshot system tag tdes text255 text32k truncatecolumns wallet
    ",
);

/// PostgreSQL's and Redshift's own columns; no column of ours may have such a name.
pub(super) static SYSTEM_COLUMNS: Words = Words(
    "
    oid tableoid xmin cmin xmax cmax ctid deletexid insertxid
    ",
);

/// Functions of PostgreSQL that Redshift has not, or not for tables.
pub(super) const UNSUPPORTED_FUNCTIONS: &[(&str, &str)] = &[
    ("string_agg", "LISTAGG(x, ',') WITHIN GROUP (ORDER BY x)"),
    ("array_agg", "LISTAGG"),
    ("xml_agg", "LISTAGG"),
    ("json_agg", "LISTAGG"),
    ("jsonb_agg", "LISTAGG"),
    ("json_build_object", "a SUPER value"),
    ("json_object_agg", "a SUPER value"),
    ("every", "BOOL_AND"),
    ("corr", "sums and products"),
    ("covar_pop", "sums and products"),
    ("covar_samp", "sums and products"),
    ("regr_avgx", "sums and products"),
    ("regr_avgy", "sums and products"),
    ("regr_count", "sums and products"),
    ("regr_intercept", "sums and products"),
    ("regr_r2", "sums and products"),
    ("regr_slope", "sums and products"),
    ("regr_sxx", "sums and products"),
    ("regr_sxy", "sums and products"),
    ("regr_syy", "sums and products"),
    ("mode", "ROW_NUMBER over counts"),
    ("generate_subscripts", "a table of numbers"),
    ("unnest", "a table of values"),
    ("array_length", "a table of values"),
    ("array_to_string", "LISTAGG"),
    ("string_to_array", "SPLIT_PART"),
    ("clock_timestamp", "GETDATE()"),
    ("statement_timestamp", "GETDATE()"),
    ("transaction_timestamp", "SYSDATE"),
    ("justify_days", "DATEADD"),
    ("justify_hours", "DATEADD"),
    ("justify_interval", "DATEADD"),
    ("make_date", "a literal or TO_DATE"),
    ("make_timestamp", "a literal or DATEADD"),
    ("make_interval", "an interval literal or DATEADD"),
    ("pg_sleep", "a pause of the client"),
    ("div", "TRUNC(a / b)"),
    ("setseed", "SET seed"),
    ("width_bucket", "CASE"),
    ("bit_length", "8 * OCTET_LENGTH"),
    ("overlay", "LEFT, SUBSTRING and ||"),
    ("convert_from", "nothing: texts are UTF-8"),
    ("convert_to", "nothing: texts are UTF-8"),
    ("encode", "TO_HEX or FROM_VARBYTE"),
    ("format", "||"),
    ("quote_nullable", "QUOTE_LITERAL"),
    ("regexp_matches", "REGEXP_SUBSTR or REGEXP_COUNT"),
    ("regexp_match", "REGEXP_SUBSTR"),
    ("regexp_split_to_array", "SPLIT_PART"),
    ("regexp_split_to_table", "SPLIT_PART"),
    ("to_tsvector", "LIKE"),
    ("to_tsquery", "LIKE"),
    ("pg_advisory_lock", "LOCK of a private table"),
    ("pg_try_advisory_lock", "LOCK of a private table"),
    ("pg_advisory_xact_lock", "LOCK of a private table"),
    ("pg_advisory_unlock", "LOCK of a private table"),
    ("pg_advisory_unlock_all", "LOCK of a private table"),
    ("pg_relation_size", "svv_table_info"),
    ("pg_total_relation_size", "svv_table_info"),
    ("pg_database_size", "svv_table_info"),
    ("inet_client_addr", "stv_sessions"),
    ("inet_server_addr", "nothing"),
    ("current_query", "sys_query_history"),
    ("txid_current", "SELECT PG_LAST_QUERY_ID()"),
    ("gen_random_uuid", "MD5 of a key"),
    ("uuid_generate_v4", "MD5 of a key"),
    ("row_to_json", "a SUPER value"),
    ("to_json", "a SUPER value"),
    ("to_jsonb", "a SUPER value"),
    ("jsonb_build_object", "a SUPER value"),
];

/// Sequences.
pub(super) static SEQUENCE_FUNCTIONS: Words = Words(
    "
    nextval currval setval lastval pg_get_serial_sequence
    ",
);

/// Functions that run on the leader node only: never together with tables, which are on the others.
pub(super) const LEADER_NODE_FUNCTIONS: &[(&str, &str)] = &[
    ("generate_series", "a table of numbers or a recursive WITH"),
    ("current_schema", "the schema as a literal"),
    ("current_schemas", "the schema as a literal"),
    ("has_database_privilege", "a query of its own"),
    ("has_schema_privilege", "a query of its own"),
    ("has_table_privilege", "a query of its own"),
    ("age", "DATEDIFF"),
    ("current_time", "GETDATE()"),
    ("current_timestamp", "GETDATE()"),
    ("localtime", "GETDATE()"),
    ("localtimestamp", "GETDATE()"),
    ("isfinite", "nothing"),
    ("now", "GETDATE()"),
    ("getbit", "nothing"),
    ("get_byte", "nothing"),
    ("set_bit", "nothing"),
    ("set_byte", "nothing"),
    ("to_ascii", "TRANSLATE"),
    ("pg_table_is_visible", "svv_tables"),
    ("pg_get_userbyid", "svv_user_info"),
    ("pg_get_viewdef", "SHOW VIEW"),
    ("pg_get_constraintdef", "a query of its own"),
    ("pg_get_indexdef", "a query of its own"),
    ("pg_get_expr", "a query of its own"),
    ("obj_description", "a query of its own"),
    ("col_description", "a query of its own"),
    ("format_type", "svv_columns"),
];

/// Those of the above that are written without parentheses.
pub(super) static LEADER_NODE_WORDS: Words = Words(
    "
    current_time current_timestamp localtime localtimestamp
    ",
);

/// The functions that statements may use. Another one is a finding until the guide has been consulted.
pub(super) static FUNCTIONS: Words = Words(
    "
    any_value avg bit_and bit_or bool_and bool_or count listagg max median min percentile_cont
    percentile_disc stddev stddev_pop stddev_samp sum variance var_pop var_samp hll grouping cume_dist
    dense_rank first_value lag last_value lead nth_value ntile percent_rank rank ratio_to_report
    row_number coalesce decode greatest least nvl nvl2 nullif add_months convert_timezone dateadd
    date_add datediff date_diff date_part date_trunc getdate last_day months_between next_day sysdate
    to_char to_date to_number to_timestamp trunc current_date timezone abs acos asin atan atan2 cbrt
    ceil ceiling cos cot degrees exp floor ln log mod pi power pow radians random round sign sin sqrt
    tan strtol to_hex ascii bpcharcmp btrim charindex char_length character_length chr concat crc32
    initcap left len length lower lpad ltrim octet_length position quote_ident quote_literal
    regexp_count regexp_instr regexp_replace regexp_substr repeat replace replicate reverse right rpad
    rtrim split_part strpos substr substring textlen translate trim upper md5 sha sha1 sha2 func_sha1
    checksum farmfingerprint64 fnv_hash json_parse json_serialize is_valid_json json_extract_path_text
    json_array_length current_setting set_config version current_database current_user_id user
    current_user session_user pg_backend_pid pg_cancel_backend pg_terminate_backend pg_last_copy_id
    pg_last_copy_count pg_last_query_id pg_last_unload_id pg_last_unload_count slice_num
    ",
);

/// Types that Redshift has not.
pub(super) const UNSUPPORTED_TYPES: &[(&str, &str)] = &[
    ("json", "SUPER or VARCHAR(n)"),
    ("jsonb", "SUPER or VARCHAR(n)"),
    ("uuid", "VARCHAR(36)"),
    ("bytea", "VARBYTE(n)"),
    ("blob", "VARBYTE(n)"),
    ("bit", "BOOLEAN or an integer"),
    ("enum", "VARCHAR(n)"),
    ("xml", "VARCHAR(n)"),
    ("money", "DECIMAL(p, s)"),
    ("inet", "VARCHAR(n)"),
    ("cidr", "VARCHAR(n)"),
    ("macaddr", "VARCHAR(n)"),
    ("tsvector", "VARCHAR(n)"),
    ("tsquery", "VARCHAR(n)"),
    ("hstore", "SUPER"),
    ("point", "GEOMETRY"),
    ("int4range", "two columns"),
    ("int8range", "two columns"),
    ("tsrange", "two columns"),
    ("daterange", "two columns"),
    ("regclass", "svv_tables"),
    ("citext", "VARCHAR(n) and LOWER"),
    ("hugeint", "DECIMAL(38, 0)"),
    ("tinyint", "SMALLINT"),
    ("double", "DOUBLE PRECISION"),
    ("datetime", "TIMESTAMP"),
    ("string", "VARCHAR(n)"),
];

/// Types that stand for a sequence.
pub(super) static SERIAL_TYPES: Words = Words(
    "
    serial bigserial smallserial serial4 serial8 serial2
    ",
);

/// Parts of a timestamp for EXTRACT, DATE_PART, DATE_TRUNC, DATEADD and DATEDIFF, and for intervals.
pub(super) static DATE_PARTS: Words = Words(
    "
    millennium millennia mil mils century centuries c cent cents decade decades dec decs epoch year
    years y yr yrs quarter quarters qtr qtrs month months mon mons week weeks w day days d dow dayofweek
    dw weekday doy dayofyear dy yearday hour hours h hr hrs minute minutes m min mins second seconds s
    sec secs millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon
    microsecond microseconds microsec microsecs usecond useconds us usec usecs timezone timezone_hour
    timezone_minute
    ",
);

/// Parameters of a session that `SET` knows.
pub(super) static PARAMETERS: Words = Words(
    "
    analyze_threshold_percent application_name client_encoding client_min_messages
    cast_super_null_on_error datestyle default_geometry_encoding describe_field_name_in_uppercase
    downcase_delimited_identifier enable_case_sensitive_identifier enable_case_sensitive_super_attribute
    enable_numeric_rounding enable_result_cache_for_session enable_vacuum_boost
    error_on_nondeterministic_update extra_float_digits interval_forbid_composite_literals intervalstyle
    json_serialization_enable json_serialization_parse_nested_strings mv_enable_aqmv_for_session
    navigate_super_null_on_error parse_super_null_on_error pg_federation_repeatable_read query_group
    search_path seed spectrum_query_maxerror statement_timeout stored_proc_log_min_messages timezone
    use_fips_ssl wlm_query_slot_count
    ",
);

/// The statements that there are, by their first word.
pub(super) static COMMANDS: Words = Words(
    "
    abort alter analyze attach begin call cancel close comment commit copy create deallocate declare
    delete desc detach drop end execute explain fetch grant insert lock merge prepare refresh reset
    revoke rollback select set show start truncate unload update use vacuum with savepoint release
    ",
);

/// Column encodings.
pub(super) static ENCODINGS: Words = Words(
    "
    auto az64 bytedict delta delta32k lzo mostly8 mostly16 mostly32 raw runlength text255 text32k zstd
    ",
);
