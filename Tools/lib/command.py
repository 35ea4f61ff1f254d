"""Runs `compress`, reads the JSON it prints and reports its errors."""
import json
import os
import subprocess
import tempfile

# `compress` ends with 3 when a target was not met; what it wrote is whole all the same.
TARGET_MISSED = 3


class CommandFailed(SystemExit):
    """A command ended with another status than was expected. Left alone it ends the tool."""

    def __init__(self, command, status, errors):
        self.status, self.errors = status, errors.strip()
        super().__init__(f"{' '.join(map(str, command))}\nended with {status}: {self.errors}")


def call(command, accept=(0,), env=None):
    """What a command prints; the statuses in `accept` are no error."""
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env)
    if run.returncode not in accept:
        raise CommandFailed(command, run.returncode, run.stderr)
    return run.stdout


class Compress:
    """The command `compress`, with a number of threads for every run or the command's own."""

    def __init__(self, path, threads=None):
        self.path, self.threads = path, threads

    def do(self, *arguments):
        """Runs a verb for what it writes."""
        call([self.path, *arguments, "--quiet"])

    def report(self, *arguments, accept=(0,)):
        """The JSON that a verb reports."""
        threads = [] if self.threads is None or "--threads" in arguments else [
            "--threads", self.threads]
        return json.loads(call(
            [self.path, *arguments, "--format", "json", "--quiet", *threads], accept))

    def score(self, model, data):
        """The summary of `evaluate`; without a model, of the embedded detector."""
        return self.report("evaluate", *named(model), *data)["summary"]

    def cost(self, model):
        """Parameters and MACs of a model; without one, of the embedded detector."""
        return self.report("inspect", *named(model), "--summary")["cost"]

    def latency(self, model, threads=1, *options):
        """The median latency in ms."""
        return self.report(
            "benchmark", *named(model), "--threads", threads, *options)["latency"]["median"]

    def timed(self, model, threads, *options):
        """Median latency in ms, and peak memory in bytes: what the model adds, and the whole."""
        found = self.report("benchmark", model, "--threads", threads, *options)
        whole = found["peakMemoryBytes"]
        return dict(median=found["latency"]["median"], whole=whole,
                    added=whole - found["memoryBeforeLoadBytes"])

    def difference(self, model, inputs, outputs, *options):
        """max |ours - theirs| / max |theirs| over all outputs, of arrays by name."""
        import numpy as np
        with tempfile.TemporaryDirectory() as folder:
            for kind, arrays in (("inputs", inputs), ("outputs", outputs)):
                os.mkdir(os.path.join(folder, kind))
                for name, array in arrays.items():
                    path = os.path.join(folder, kind, name.replace("/", "%2F") + ".npy")
                    np.save(path, np.ascontiguousarray(array))
            found = self.report("compare", model, "--tensors", folder, *options)
        return max(output["normalizedMaxError"] for output in found["outputs"])


def named(model):
    """The argument that names a model; none stands for the embedded detector."""
    return [model] if model else []


def input_shapes(shapes):
    """The options that fix the shapes of inputs by name."""
    return [x for name, shape in shapes.items()
            for x in ("--input-shape", f"{name}={'x'.join(map(str, shape))}")]
