#!/bin/bash
# Three orders: one delivered in time, one late, one never. Tells what it does, with the commands that do it.
# Needs LAPSECTL (the client), LAPSE_SERVER and SMTP_PORT.
set -euo pipefail

export LAPSE_SERVER
run=$(date +%s)

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# Shows a command as one would type it, and runs it.
ctl() {
  printf '  $ ./dev ctl'
  printf ' %q' "$@"
  printf '\n'
  "$LAPSECTL" "$@" | sed 's/^/    /'
}

send() { ctl send --type "$1" --source walkthrough --id "$1-$2-$run" --key "order_id=$2"; }

say "A monitor says what must follow what: order_delivered within 10 s of order_created, for the same order_id."
file=$(mktemp --suffix=.yaml)
watcher=
trap 'rm -f "$file"; [[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true' EXIT
sed "s/SMTP_PORT/$SMTP_PORT/" docs/examples/walkthrough.yaml >"$file"
printf '  (docs/examples/walkthrough.yaml, with a mail notifier for the local mail sink)\n'
ctl apply -f "$file"

say "Three orders are created. A-15 is delivered at once."
send order_created A-15
send order_created A-16
send order_created A-17
send order_delivered A-15

say "A-16 and A-17 have 10 seconds. Their alerts are streamed the moment they are due, and mailed:"
printf '  $ ./dev ctl alerts watch\n'
# Not through a pipe, whose last part alone would be known and ended.
"$LAPSECTL" alerts watch 2>/dev/null > >(sed -u 's/^/    /') &
watcher=$!
sleep 12

say "A-16 is delivered after all: its alert resolves as late, with a mail in the same thread."
send order_delivered A-16
sleep 2

say "What there is now:"
ctl alerts list
ctl monitors stats order-delivered
say "The server goes on until Ctrl-C. README.md shows how to send from your own service; ./dev ctl --help lists the commands."
