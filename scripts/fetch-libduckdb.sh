#!/usr/bin/env bash
# Fetches the prebuilt DuckDB library, checks it against the pinned sha256 and tells Cargo where it is.
#
# Compiling DuckDB from source takes longer than everything else together, so the default build
# links the library that the npm package @duckdb/node-bindings-linux-x64 carries. It is kept outside
# the checkout, in ${SPARKIFY_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/sparkify-warehouse}, and
# .cargo/libduckdb.toml (not under version control) points the linker and the rpath at it.
# On other platforms build with `--features bundled`.
set -euo pipefail

version=1.5.6
package_version=1.5.6-r.1
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)
    package=@duckdb/node-bindings-linux-x64
    sha256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
    ;;
  *)
    echo "error: no pinned prebuilt DuckDB library for $(uname -s) on $(uname -m)." >&2
    echo "       Compile DuckDB from source instead: cargo build --release --features bundled" >&2
    exit 1
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SPARKIFY_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sparkify-warehouse}
library_dir=$cache/libduckdb-$version-${sha256:0:12}

if [ ! -f "$library_dir/libduckdb.so" ]; then
  for tool in npm tar sha256sum; do
    command -v "$tool" >/dev/null || { echo "error: $tool is needed to fetch libduckdb and is not installed" >&2; exit 1; }
  done
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "fetching libduckdb $version ($package@$package_version)" >&2
  (cd "$work" && npm pack --silent "$package@$package_version" >/dev/null)
  archive=$(echo "$work"/*.tgz)
  echo "$sha256  $archive" | sha256sum --check --quiet || {
    echo "error: the archive of $package@$package_version does not have the pinned sha256; nothing was installed" >&2
    exit 1
  }
  tar -xzf "$archive" -C "$work" --strip-components=1 package/libduckdb.so package/LICENSE
  mkdir "$work/lib"
  mv "$work/libduckdb.so" "$work/LICENSE" "$work/lib/"
  # A rename within one file system: a second fetch at the same time can only find all or nothing.
  mv -T "$work/lib" "$library_dir" 2>/dev/null || [ -f "$library_dir/libduckdb.so" ]
fi

config=$root/.cargo/libduckdb.toml
new=$(cat <<TOML
# Written by scripts/fetch-libduckdb.sh; not under version control.
[env]
DUCKDB_LIB_DIR = "$library_dir"

[build]
rustflags = ["-C", "link-arg=-Wl,-rpath,\$ORIGIN:\$ORIGIN/../lib:$library_dir"]
rustdocflags = ["-C", "link-arg=-Wl,-rpath,$library_dir"]
TOML
)
if [ "$(cat "$config" 2>/dev/null)" != "$new" ]; then
  mkdir -p "$root/.cargo"
  printf '%s\n' "$new" >"$config"
fi
