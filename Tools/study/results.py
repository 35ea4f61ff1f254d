#!/usr/bin/env python3
"""Writes the tables of Documentation/Results from the JSON in Documentation/Results/data.

    make results                             # rewrites the marked places of every page
    python3 Tools/study/results.py --check   # fails where a page and its JSON differ

A page marks a table's place by two comments, and this tool writes what stands between them:

    <!-- table: NAME -->
    <!-- end -->

NAME.json holds `machine`, `command`, `date`, `seed`, `columns` (pairs of a name and a format: "" for
text, else Python's format of a number) and `rows`. Tools write such files with `--save FOLDER`. A
table gathered from others has no machine (null), and no line under it. Needs Python's standard
library alone.
"""
import argparse
import json
import os
import re
import sys
import textwrap

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib.places import ROOT
from lib.table import markdown

PAGES = os.path.join(ROOT, "Documentation", "Results")
DATA = os.path.join(PAGES, "data")
KEYS = {"machine", "command", "date", "seed", "columns", "rows"}
PLACE = re.compile(r"<!-- table: (\S+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def table(name):
    """The text of a marked place."""
    path = os.path.join(DATA, name + ".json")
    if not os.path.exists(path):
        raise SystemExit(f"{os.path.relpath(path, ROOT)} is absent, and a page shows it")
    with open(path) as f:
        found = json.load(f)
    wrong, count = sorted(KEYS ^ set(found)), len(found.get("columns", []))
    if wrong:
        raise SystemExit(f"{name}.json: keys {', '.join(wrong)} are missing or unknown")
    for number, row in enumerate(found["rows"], 1):
        if len(row) != count:
            raise SystemExit(f"{name}.json: row {number} has {len(row)} values for {count} columns")
    body = markdown(found["columns"], found["rows"])
    return f"\n{body}\n\n" + (f"{caption(found)}\n\n" if found["machine"] else "")


def caption(found):
    """What a table was measured with, in lines of at most 100 columns."""
    command, seed = found["command"], found["seed"]
    words = (f"Machine: {found['machine']}. Recorded: {found['date']}. "
             f"Seed: {'none' if seed is None else seed}. "
             f"Command: {command if '`' in command else f'`{command}`'}.")
    return textwrap.fill(words, 100, break_long_words=False, break_on_hyphens=False)


def pages():
    """The paths of the summary and of the pages."""
    yield PAGES + ".md"
    for name in sorted(os.listdir(PAGES)):
        if name.endswith(".md"):
            yield os.path.join(PAGES, name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, fail at a difference")
    a = parser.parse_args()
    shown, stale = set(), []
    for path in pages():
        with open(path) as f:
            old = f.read()
        names = PLACE.findall(old)
        if len(names) != old.count("<!-- table:") or len(names) != old.count("<!-- end -->"):
            raise SystemExit(f"{os.path.relpath(path, ROOT)}: a table's place has no end")
        shown.update(name for name, _ in names)
        new = PLACE.sub(lambda m: f"<!-- table: {m[1]} -->\n{table(m[1])}<!-- end -->\n", old)
        if new != old:
            stale.append(os.path.relpath(path, ROOT))
            if not a.check:
                with open(path, "w") as f:
                    f.write(new)
    hidden = {name[:-5] for name in os.listdir(DATA) if name.endswith(".json")} - shown
    if hidden:
        raise SystemExit(f"No page shows {', '.join(sorted(hidden))} of Documentation/Results/data")
    if stale and a.check:
        raise SystemExit(f"{', '.join(stale)}: tables differ from their JSON; run 'make results'")
    print("\n".join(f"wrote {path}" for path in stale) or "Every table is as its JSON has it")


if __name__ == "__main__":
    main()
