# shellcheck shell=bash
# Builds and starts the server and a local mail sink, and plays the walkthrough where the folder is new. Arguments go to
# the server. LAPSE_HOME names the folder (default .lapse); LAPSE_BIN one with what is built already, and then nothing is
# installed or built.

if [[ -z ${LAPSE_BIN:-} ]]; then
  source build/dev/install.sh
  lapse_bazel build //server:lapsed //cli:lapsectl
  LAPSE_BIN=$(lapse_bazel_bin)
fi
lapsed=$LAPSE_BIN/server/lapsed
lapsectl=$LAPSE_BIN/cli/lapsectl
home=${LAPSE_HOME:-.lapse}
address=${LAPSE_SERVER:-127.0.0.1:7070}
smtp_port=${LAPSE_SMTP_PORT:-2525}
started=
[[ -d $home/data ]] || started=new
mkdir -p "$home"

stop() {
  trap - INT TERM EXIT
  [[ -z ${walkthrough:-} ]] || kill "$walkthrough" 2>/dev/null || true
  [[ -z ${server:-} ]] || { kill -TERM "$server" 2>/dev/null && wait "$server"; } || true
  [[ -z ${sink:-} ]] || kill "$sink" 2>/dev/null || true
}
trap stop EXIT
trap 'echo; echo "Stopping. Everything is kept in $home; ./dev run goes on from there."; exit 0' INT TERM

# The prefix tells the sink's lines from the server's.
/usr/bin/python3 test/mail/smtp_sink.py --folder "$home/mail" --port "$smtp_port" > >(sed -u "s/^port /mail sink on port /; s/^mail: /MAIL  /") &
sink=$!
"$lapsed" --data-folder "$home/data" --listen "$address" "$@" &
server=$!

wait_until_serving() {
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    kill -0 "$server" 2>/dev/null || return 1
    ! "$lapsectl" --server "$address" status >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  return 1
}

if ! wait_until_serving; then
  echo "The server did not start; what it said stands above." >&2
  exit 1
fi

if [[ -n $started ]]; then
  LAPSE_SERVER=$address SMTP_PORT=$smtp_port LAPSECTL=$lapsectl bash build/dev/walkthrough.sh &
  walkthrough=$!
else
  echo "Everything is as it was left in $home:"
  "$lapsectl" --server "$address" status
fi
wait "$server"
