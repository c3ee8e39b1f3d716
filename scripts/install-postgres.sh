#!/usr/bin/env bash
# Makes sure that the tests find a PostgreSQL server to start: initdb, pg_ctl and postgres of one version, 15 or
# newer, on the path or where Debian has them. What is missing is installed from Debian's packages; where that is
# not possible this ends with an error that says what to do.
set -euo pipefail

oldest=15
places=/usr/lib/postgresql

# Prints the directory with the programs.
find_programs() {
    local on_path directory
    on_path=$(command -v pg_ctl || true)
    # Not a pipe: who is not read to the end would die of it, and the script with it.
    while read -r directory; do
        if [[ -x $directory/initdb && -x $directory/pg_ctl && -x $directory/postgres ]]; then
            echo "$directory"
            return
        fi
    done < <(
        [[ -z $on_path ]] || dirname "$(readlink -f "$on_path")"
        find "$places" -mindepth 2 -maxdepth 2 -name bin 2> /dev/null | sort -rV
    )
}

fail() {
    echo "error: $1" >&2
    echo "hint: install PostgreSQL $oldest or newer (Debian: apt-get install postgresql), or put its programs on the path" >&2
    exit 1
}

if [[ -z $(find_programs) ]]; then
    command -v apt-get > /dev/null || fail "there is no PostgreSQL server, and no apt-get to install one"
    as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        sudo -n true 2> /dev/null || fail "there is no PostgreSQL server, and installing one needs root"
        as_root=(sudo -n)
    fi
    echo "installing PostgreSQL from Debian's packages" >&2
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq >&2 || fail "apt-get update failed"
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends postgresql >&2 || fail "apt-get install failed"
fi
programs=$(find_programs)
[[ -n $programs ]] || fail "there is no PostgreSQL server"
# "postgres (PostgreSQL) 15.18 (Debian …)"
[[ $("$programs/postgres" --version) =~ [0-9]+ ]] || fail "the version of the PostgreSQL in $programs is not known"
version=${BASH_REMATCH[0]}
[[ $version -ge $oldest ]] || fail "the PostgreSQL in $programs is version $version"
echo "PostgreSQL $version in $programs"
