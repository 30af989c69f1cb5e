"""Waits for what the server does in its own time."""

import time


def eventually(check, what="it did not become true", seconds=60):
    """What `check` gives, as soon as that is true; an AssertionError that says `what` after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        result = check()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")
