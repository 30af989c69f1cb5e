"""Counts the test cases of Bazel runs: count_tests.py EVENTS.json...

Each argument is a file that `bazel test --build_event_json_file` wrote. Names
what failed, then prints "N passed, N failed" as the last line. Exits with 1 if
anything failed: a case, a test without cases, a target that did not build, or
Bazel itself.
"""

import collections
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree

# Bazel's exit codes: success, and "no test matched".
_FINE_EXIT_CODES = (0, 4)

Count = collections.namedtuple("Count", "passed skipped failed")


def read_events(path):
    """Events of a run; empty if Bazel died before it wrote any."""
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        print(f"cannot read {path}: {error}")
        return []


def xml_path(result):
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            return urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
    return None


def count_cases(label, result):
    """Counts one result. A test that writes no XML counts as one case."""
    passed, skipped, failures = 0, 0, []
    try:
        cases = list(xml.etree.ElementTree.parse(xml_path(result)).iter("testcase"))
    except (OSError, TypeError, xml.etree.ElementTree.ParseError):
        cases = []
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(".".join(filter(None, (case.get("classname"), case.get("name")))))
        elif case.get("status") == "notrun" or case.find("skipped") is not None:
            skipped += 1
        elif case.get("result") in ("skipped", "suppressed"):
            skipped += 1
        else:
            passed += 1
    if result["status"] != "PASSED" and not failures:
        failures.append(result["status"].lower())
    if result["status"] == "PASSED" and not cases:
        passed = 1
    for failure in failures:
        print(f"FAILED {label} {failure}")
    return Count(passed, skipped, len(failures))


def last_attempts(events):
    """The deciding result of each (label, run, shard)."""
    results = {}
    for event in events:
        if "testResult" not in event:
            continue
        key = event["id"]["testResult"]
        attempt = key.get("attempt", 1)
        place = (key["label"], key.get("run", 1), key.get("shard", 1))
        if place not in results or results[place][0] < attempt:
            results[place] = (attempt, event["testResult"])
    return {place: result for place, (_, result) in results.items()}


def unbuilt_targets(events, tested):
    """Labels of targets that failed to build, and of tests left without a result."""
    built, unbuilt = set(), set()
    for event in events:
        ident = event["id"]
        for kind in ("targetCompleted", "targetConfigured", "unconfiguredLabel", "configuredLabel"):
            if kind not in ident:
                continue
            label = ident[kind]["label"]
            if event.get("completed", {}).get("success"):
                built.add(label)
            elif kind == "targetCompleted" or "aborted" in event:
                unbuilt.add(label)
    return sorted(unbuilt - built - tested)


def exit_code(events):
    for event in events:
        if "finished" in event:
            return event["finished"].get("exitCode", {}).get("code", 0)
    return -1


def count_run(path):
    run = os.path.splitext(os.path.basename(path))[0]
    events = read_events(path)
    results = last_attempts(events)
    total = Count(0, 0, 0)
    for (label, _, _), result in sorted(results.items(), key=lambda item: item[0]):
        count = count_cases(f"[{run}] {label}", result)
        total = Count(*(a + b for a, b in zip(total, count)))
    unbuilt = unbuilt_targets(events, {place[0] for place in results})
    for label in unbuilt:
        print(f"FAILED [{run}] {label} did not build or did not run")
    total = total._replace(failed=total.failed + len(unbuilt))
    code = exit_code(events)
    if code not in _FINE_EXIT_CODES and not total.failed:
        print(f"FAILED [{run}] bazel exited with {code}")
        total = total._replace(failed=1)
    return total


def main(paths):
    passed, skipped, failed = map(sum, zip(*map(count_run, paths)))
    if skipped:
        print(f"{skipped} skipped or disabled")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
