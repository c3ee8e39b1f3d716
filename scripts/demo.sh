#!/usr/bin/env bash
# Builds the command line and runs the whole pipeline on the embedded engine: with the arguments given
# (for instance --source DIR), or on a generated sample. Prints what was loaded and the usual answers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-libduckdb.sh
exec cargo run --release --locked --quiet --package sparkify-cli -- run "$@"
