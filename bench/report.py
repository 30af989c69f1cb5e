"""Puts the last run's figures, and the last profile where there is one, into docs/performance.md and its pictures."""

import json
import pathlib
import re
import sys
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).absolute().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from runner import figures  # noqa: E402

PAGE = ROOT / "docs/performance.md"
IMAGES = ROOT / "docs/images"
OUT = ROOT / "bench/out"

WIDTH = 960
LABEL_WIDTH = 400
BAR_WIDTH = 370
ROW_HEIGHT = 26
GOOD, BAD, PLAIN, INK = "#3f7d58", "#b4483c", "#4a6fa5", "#1d2530"
# A bar of a figure against its goal ends here at the latest.
MOST_OF_GOAL = 2
RATES = ("echo_raw", "echo_arena", "stream_ingest", "postgres_ingest")


def svg(title, bars, line=None, line_text=""):
    """Horizontal bars: (label, length from 0 to 1, text, colour); a line across all at `line`."""
    height = 64 + ROW_HEIGHT * len(bars) + (24 if line_text else 0)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             'font-family="system-ui, sans-serif" font-size="14">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="20" y="30" font-size="17" font-weight="600" fill="{INK}">{escape(title)}</text>']
    for i, (label, length, text, colour) in enumerate(bars):
        top = 50 + ROW_HEIGHT * i
        width = max(1, BAR_WIDTH * min(1, length))
        parts += [f'<text x="{LABEL_WIDTH - 10}" y="{top + 14}" text-anchor="end" fill="{INK}">{escape(label)}</text>',
                  f'<rect x="{LABEL_WIDTH}" y="{top}" width="{width:.1f}" height="18" rx="3" fill="{colour}"/>',
                  f'<text x="{LABEL_WIDTH + width + 8:.1f}" y="{top + 14}" fill="{INK}">{escape(text)}</text>']
    if line is not None:
        x = LABEL_WIDTH + BAR_WIDTH * line
        bottom = 50 + ROW_HEIGHT * len(bars)
        parts += [f'<line x1="{x}" y1="44" x2="{x}" y2="{bottom}" stroke="{INK}" stroke-dasharray="4 3"/>',
                  f'<text x="{x}" y="{bottom + 16}" text-anchor="middle" fill="{INK}">{escape(line_text)}</text>']
    return "\n".join([*parts, "</svg>", ""])


def rates(found):
    known = {figure["name"]: figure for figure in found}
    shown = [known[name] for name in RATES if name in known and known[name]["value"]]
    most = max((figure["value"] for figure in shown), default=1)
    bars = [(figure["what"], figure["value"] / most, f"{figure['value']:,.0f} events/s",
             GOOD if figure["name"] == "stream_ingest" else PLAIN) for figure in shown]
    return svg("Events a second, batches of 1,000 on 4 streams", bars)


def goals(found):
    """How much of what the goal allows is used; where more is better, the goal over the value."""
    bars = []
    for figure in found:
        goal = figures.GOALS.get(figure["name"])
        if not goal or not figure["value"]:
            continue
        used = goal.limit / figure["value"] if goal.at_least else figure["value"] / goal.limit
        text = f"{figures.shown(figure['value'])} {'' if figure['unit'] == 'ratio' else figure['unit']} ({goal.text()})"
        label = f"{figure['what']}, over {figure['ratio_to']}" if "ingest by stream" in figure["what"] else figure["what"]
        bars.append((label, used / MOST_OF_GOAL, text, GOOD if used <= 1 else BAD))
    return svg("Each figure against its goal: shorter is better", bars, 1 / MOST_OF_GOAL, "goal")


def profile(measured):
    shares = measured["shares"]
    most = max(shares.values())
    bars = [(group, share / most, f"{100 * share:.1f} %", PLAIN) for group, share in shares.items()]
    return svg(f"Where lapsed's time goes at {measured['events_per_second']:,.0f} events/s", bars)


def table(run):
    """Markdown."""
    lines = ["| what | value | unit | ratio to | goal | met |", "|---|--:|---|---|--:|---|"]
    facts = run["machine"]
    if run["scale"] < 1:
        lines[:0] = ["This run was smaller than the goals ask for, so that none of them can be met by it.", ""]
    if max(facts["load_average"][0], facts["load_average_at_end"][0]) > 3 * facts["cores"]:
        lines[:0] = ["The machine was busy with other work meanwhile: the figures show the form, not what Lapse can do.", ""]
    notes = []
    for figure in run["figures"]:
        met = "" if figure["met"] is None else "yes" if figure["met"] else "smaller run" if figure["smaller"] else "no"
        mark = ""
        if figure["note"]:
            notes.append(f"{len(notes) + 1}. {figure['what']}: {figure['note']}")
            mark = f" ({len(notes)})"
        lines.append(f"| {figure['what']}{mark} | {figures.shown(figure['value'])} | {figure['unit']} | "
                     f"{figure['ratio_to']} | {figure['goal']} | {met} |")
    lines += ["", *notes, "", f"{facts['cores']} cores ({facts['cpu']}), {facts['memory_gb']} GB, Linux "
              f"{facts['kernel'].split('-')[0]}, {facts['file_system']}, {facts['fdatasync_4k_per_second']:,} fdatasync "
              f"of 4 KiB a second; load average {facts['load_average'][0]} at the start and "
              f"{facts['load_average_at_end'][0]} at the end; {run['seconds']:,.0f} s; scale {run['scale']:g}."]
    return "\n".join(lines)


def profile_table(measured):
    lines = ["| share | of |", "|--:|---|"]
    lines += [f"| {100 * share:.1f} % | {group} |" for group, share in measured["shares"].items()]
    return "\n".join(lines)


def put(page, name, text):
    """Between the marks of that name."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"{PAGE} has no place for {name}")
    return pattern.sub(lambda match: f"{match.group(1)}\n{text}\n\n{match.group(2)}", page)


def main():
    latest = OUT / "latest.json"
    if not latest.exists():
        print("report: there is no bench/out/latest.json; ./dev bench makes it", file=sys.stderr)
        return 1
    run = json.loads(latest.read_text())
    page = put(PAGE.read_text(), "table", table(run))
    (IMAGES / "performance-rates.svg").write_text(rates(run["figures"]))
    (IMAGES / "performance-goals.svg").write_text(goals(run["figures"]))
    profiled = OUT / "profile.json"
    if profiled.exists():
        measured = json.loads(profiled.read_text())
        page = put(page, "profile", profile_table(measured))
        (IMAGES / "performance-profile.svg").write_text(profile(measured))
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
