#!/usr/bin/env bash
# The whole life of a warehouse on AWS, shown on this machine and without an account: moto answers for AWS, a server
# in memory for S3, and the double of Redshift (docs/redshift-double.md) for the database. Prints each command and
# what it says.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-libduckdb.sh
exec cargo test --package sparkify-tests --test it --locked -- --exact --nocapture \
    aws::end_to_end::generate_provision_create_load_explore_and_teardown_on_this_machine
