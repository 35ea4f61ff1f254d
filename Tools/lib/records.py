"""Finished rows of a study, one JSON file each, so that a study that was stopped goes on."""
import json
import os
import time

from lib.command import CommandFailed


class Records:
    """The rows in a folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def path(self, stem, ending=".json"):
        return os.path.join(self.folder, stem + ending)

    def __contains__(self, stem):
        return os.path.exists(self.path(stem))

    def read(self, stem):
        with open(self.path(stem)) as f:
            return json.load(f)

    def write(self, stem, row):
        """Writes a row whole or not at all."""
        with open(self.path(stem, ".part"), "w") as f:
            json.dump(row, f)
        os.replace(self.path(stem, ".part"), self.path(stem))

    def row(self, stem, make):
        """The row that is there, or the one that `make` finds in some `seconds`, then written.

        A command that fails is reported and leaves no row.
        """
        if stem in self:
            return self.read(stem)
        start = time.time()
        try:
            row = make()
        except CommandFailed as failure:
            print(f"skipped {stem}: {failure.errors.splitlines()[-1:]}", flush=True)
            return None
        row["seconds"] = time.time() - start
        self.write(stem, row)
        print(f"{stem}: AP {row['AP']:.4f}, {row['seconds']:.0f} s", flush=True)
        return row

    def all(self):
        """The stems and rows, by name."""
        for name in sorted(os.listdir(self.folder)):
            stem, ending = os.path.splitext(name)
            if ending == ".json":
                yield stem, self.read(stem)
