#!/usr/bin/env bash
# Generates 10 million events and 100,000 songs with all traps, loads them with the release build, and compares every
# row of every table and every answer with answers.json. Takes a few minutes and 10 GB of disk, which it frees again.
# Arguments: --events MILLIONS, --songs N, --warehouse URL.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-libduckdb.sh
exec cargo bench --locked --quiet --package sparkify-tests --bench verify_at_scale -- "$@"
