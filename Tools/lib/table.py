"""Tables in Markdown, written row by row, and as the JSON that Documentation/Results/data holds."""
import datetime
import json
import os
import shlex
import sys

from lib.places import ROOT


def cell(value, form):
    """A value by a format: "" for text, a format specification, or a text with one in braces."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return form.format(value) if "{" in form else format(value, form)


def header(columns):
    """The two lines over a table; columns with a format of numbers stand on the right."""
    names = "| " + " | ".join(name for name, _ in columns) + " |"
    return names + "\n|" + "|".join("---:" if form else "---" for _, form in columns) + "|"


def line(columns, values):
    return "| " + " | ".join(cell(v, form) for v, (_, form) in zip(values, columns)) + " |"


def markdown(columns, rows):
    return "\n".join([header(columns), *(line(columns, row) for row in rows)])


class Table:
    """A table that is printed as its rows are found.

    columns: pairs of a name and a format. Where `save` names a folder, the rows found so far stand
    in `save/name.json` with the machine, the command, the date and the seed.
    """

    def __init__(self, name, columns, save=None, seed=None):
        self.name, self.columns, self.folder, self.seed = name, columns, save, seed
        self.rows = []
        print(header(columns), flush=True)

    def add(self, *values, note=""):
        """Adds a row; the note is printed behind it only."""
        self.rows.append(list(values))
        print(line(self.columns, values) + note, flush=True)
        if self.folder:
            self.save()

    def text(self):
        return markdown(self.columns, self.rows) + "\n"

    def save(self):
        from lib.processes import machine
        write(os.path.join(self.folder, self.name + ".json"), dict(
            machine=machine(), command=command(), date=datetime.date.today().isoformat(),
            seed=self.seed, columns=[list(column) for column in self.columns], rows=self.rows))


def command():
    """The command line of this tool, by its place in the checkout, without `--save`."""
    words = [os.path.relpath(os.path.abspath(sys.argv[0]), ROOT), *sys.argv[1:]]
    if "--save" in words:
        place = words.index("--save")
        del words[place : place + 2]
    return shlex.join(words)


def write(path, table):
    """Writes a table's JSON with one row a line."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    parts = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}"
             for k, v in table.items() if k not in ("columns", "rows")]
    for key in ("columns", "rows"):
        inner = ",\n".join("    " + json.dumps(v, ensure_ascii=False) for v in table[key])
        parts.append(f'  "{key}": [\n{inner}\n  ]')
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(parts) + "\n}\n")
