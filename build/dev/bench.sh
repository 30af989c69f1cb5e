# shellcheck shell=bash
# Builds what the benchmarks need and measures every figure, or the rows that are named; see docs/performance.md. Ends
# with one table, which bench/out/latest.json has too. `./dev bench micro [FLAGS...]` runs the micro-benchmarks instead.

source build/dev/install.sh

if [[ ${1:-} == micro ]]; then
  shift
  lapse_bazel build //bench/micro
  exec "$(lapse_bazel_bin)/bench/micro/micro" "$@"
fi

lapse_bazel build //server:lapsed //bench:alert_latency //bench/load //bench/echo //bench/subscribers \
  //bench/postgres:postgres_load

# Only the comparison needs it; its own service is not used.
if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  echo "installing PostgreSQL, which Lapse is compared with"
  sudo=()
  (( EUID == 0 )) || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql ||
    echo "PostgreSQL cannot be installed: the figures that need it will say so" >&2
fi

/usr/bin/python3 bench/run.py --binaries "$(lapse_bazel_bin)" "$@"
