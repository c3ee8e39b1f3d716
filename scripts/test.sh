#!/usr/bin/env bash
# Runs everything that must pass: format, lints, documentation, and all tests. Arguments go to the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-libduckdb.sh
scripts/install-postgres.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
# What is built without all features: nothing else compiles these combinations.
cargo check -p sparkify-cli --locked
cargo check -p sparkify-cli --features aws --locked
cargo check -p sparkify-infra --no-default-features --locked
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
cargo test --workspace --locked -- "$@"
