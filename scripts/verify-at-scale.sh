#!/usr/bin/env bash
# Generates 10 million events and 100,000 songs with all traps, loads them with the release build, and compares every
# row of every table and every answer with answers.json. Takes some minutes and 7 GB of disk, which it frees again.
# Arguments: --events MILLIONS, --songs N, --warehouse URL, --compress FORM, --directory DIR (for the data; default: target).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-libduckdb.sh
cargo build --release --locked --quiet --package sparkify-cli
cargo build --release --locked --quiet --package sparkify-testkit --example verify_at_scale
target=${CARGO_TARGET_DIR:-target}
exec "$target/release/examples/verify_at_scale" --program "$target/release/sparkify-cli" --directory "$target" "$@"
