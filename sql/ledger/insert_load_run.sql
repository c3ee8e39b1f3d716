-- name: insert_load_run
-- purpose: note the run in the ledger, numbered one higher than the last
INSERT INTO load_runs (
    run_id, run_number, published_at, source, match_rule, files_loaded, records_read, records_staged,
    records_rejected, records_duplicate, matched_songplays, tool_version
)
SELECT
    {{ literal(run_id) }},
    COALESCE(MAX(run_number), 0) + 1,
    {{ now() }},
    {{ literal(source) }},
    {{ literal(match_rule) }},
    {{ files_loaded }},
    {{ records_read }},
    {{ records_staged }},
    {{ records_rejected }},
    {{ records_duplicate }},
    {{ matched_songplays }},
    {{ literal(tool_version) }}
FROM load_runs
