"""The in-house way: a real PostgreSQL of its own, the same events, a query that looks for what is overdue."""

import contextlib
import os
import pathlib
import pwd
import shutil
import statistics
import subprocess

from runner import figures
from runner.bench import finished

USER = "postgres"
TURNS = 3
# Fair: all it can do with its durability left as it is (fsync and synchronous_commit stay on).
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "'2GB'",
    "work_mem": "'256MB'",
    "max_wal_size": "'16GB'",
    "wal_buffers": "'64MB'",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "'15min'",
    "synchronous_commit": "on",
    "jit": "off",
}
# One index, by which the query finds a span of time of one type, with the key it joins by: inserts go to the right
# end of each type, which is much cheaper than an index on random keys.
SCHEMA = """
CREATE TABLE events (id uuid NOT NULL, source text NOT NULL, type text NOT NULL, key text,
                     occur_time timestamptz NOT NULL, attributes bytea NOT NULL);
CREATE INDEX ON events (type, occur_time, key);
"""


def postgres(bench, world):
    """Turns of PostgreSQL and lapsed, so that both meet the same machine."""
    address = world.ready().address
    seconds, warm_up = bench.seconds(8), bench.seconds(2)
    theirs, ours, late = [], [], []
    with _cluster(bench) as where:
        for turn in range(bench.turns(TURNS)):
            result = _load(bench, where, seconds, warm_up)
            theirs.append(result["events_per_second"])
            late.append(result["alert_late_max_ms"])
            ours.append(bench.load(address, seconds=seconds / 2, warm_up=warm_up / 2)["events_per_second"])
            bench.say(f"turn {turn + 1} of {bench.turns(TURNS)}: PostgreSQL {theirs[-1]:,.0f}/s, lapsed {ours[-1]:,.0f}/s")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    return [
        figures.judged("stream_ingest_of_postgres", ratio, smaller=bench.smaller),
        figures.beside("postgres_ingest", "PostgreSQL, COPY of 1,000", statistics.median(theirs), "events/s"),
        figures.beside("postgres_alert_late_max", "PostgreSQL, query every 1.5 s: latest alert after due",
                       max(late) / 1000, "s"),
    ]


def _load(bench, where, seconds, warm_up):
    bench.loads += 1
    process = subprocess.Popen(
        [bench.binary("bench/postgres/postgres_load"), "--where", where, "--seconds", str(seconds), "--warm-up",
         str(warm_up), "--seed", str(bench.loads * 100)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return finished(process)


@contextlib.contextmanager
def _cluster(bench):
    """A new PostgreSQL in the run's folder; yields how to connect to it."""
    binaries = _binaries()
    folder = bench.folder / "postgres"
    folder.mkdir()
    as_user = []
    if os.geteuid() == 0:
        # It refuses to run as root.
        account = pwd.getpwnam(USER)
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def run(program, *arguments):
        subprocess.run([*as_user, str(binaries / program), *arguments], check=True, cwd=folder, env=_environment(),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    data = folder / "data"
    run("initdb", "--pgdata", str(data), "--username", USER, "--auth", "trust", "--no-sync")
    with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        file.write(f"unix_socket_directories = '{folder}'\n")
    run("pg_ctl", "--pgdata", str(data), "--log", str(folder / "log"), "--wait", "start")
    try:
        run("psql", "--host", str(folder), "--username", USER, "--quiet", "--set", "ON_ERROR_STOP=1", "--command", SCHEMA)
        yield f"host={folder} user={USER} dbname={USER}"
    finally:
        run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "--wait", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _environment():
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _binaries():
    """Of the newest version that is installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent
