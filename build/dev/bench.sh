# shellcheck shell=bash
# Builds and runs the benchmarks on a server of their own, in a temporary folder. Prints figures; asserts nothing.

source build/dev/install.sh
lapse_bazel build //server:lapsed //bench:alert_latency
bin=$(lapse_bazel_bin)
folder=$(mktemp -d)
stop() {
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap stop EXIT

# started FILE PREFIX: what follows PREFIX in the file, once it is there.
started() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    if grep -q "^$2" "$1" 2>/dev/null; then
      sed -n "s/^$2//p" "$1"
      return
    fi
    sleep 0.05
  done
  cat "$1" >&2
  return 1
}

echo "machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); client, server and mail sink share it"
echo "conditions: fsync before every ack and every alert; 200 alerts, 20 ms apart, 20 monitors; otherwise idle"
/usr/bin/python3 test/mail/smtp_sink.py --folder "$folder/mail" >"$folder/sink.log" 2>&1 &
"$bin/server/lapsed" --data-folder "$folder/data" --listen 127.0.0.1:0 --settle 0s >"$folder/server.log" 2>&1 &
smtp_port=$(started "$folder/sink.log" "port ")
address=$(started "$folder/server.log" "lapsed: serving on ")
"$bin/bench/alert_latency" "$address" "$smtp_port"
