#!/usr/bin/env python3
"""Runs ONNX's backend node tests whose operators the toolkit registers and compares all outputs with ONNX's tolerances.

    make conformance
    .venv/bin/python Tools/parity/conformance.py --only Mod --only 'test_attention*' --verbose

A test counts when every operator of its model, subgraphs and expanded function bodies included, is registered, and its
inputs and outputs are tensors. Tools/parity/conformance.json lists the tests that are known to fail, each under its reason, as
patterns. Exit status 1 when a test fails that is not listed, when one passes that is, or when fewer pass than the number
recorded for this version of onnx. --output FILE.md writes the table, and FILE.json beside it. --record writes the number
down, and drops patterns that no failing test fits: those of this version, and with the newest those of all.
"""
import argparse
import collections
import contextlib
import dataclasses
import fnmatch
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.backend.test import loader

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conformance.json")
# What assert_similar_outputs of onnx.backend.test.runner allows bfloat16: two units in the last place.
BFLOAT16 = 2.0**-6


def cases():
    """The node tests with their models, and data made as the backend runner's."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = sorted(loader.load_model_tests(kind="node"), key=lambda case: case.name)
    return [case if case.model else stored(case) for case in found]


def stored(case):
    """A case with model and data, which older versions of onnx keep in files."""
    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))

    def values(kind, declared):
        result = []
        for index, info in enumerate(declared):
            path = os.path.join(case.model_dir, "test_data_set_0", f"{kind}_{index}.pb")
            tensor = onnx.TensorProto()
            if info.type.HasField("tensor_type") and os.path.exists(path):
                with open(path, "rb") as file:
                    tensor.ParseFromString(file.read())
            result.append(tensor if tensor.data_type else None)
        return result

    data = (values("input", model.graph.input), values("output", model.graph.output))
    return dataclasses.replace(case, model=model, data_sets=[data])


def operators(case, by_name):
    """The operator that a test is about: for an expanded function body that of the test it was made of."""
    base = by_name.get(case.name.split("_expanded")[0], case)
    return base.model.graph.node[0].op_type


def message(values, declared):
    """A model whose initializers are the values; None when one of them is no tensor."""
    tensors = []
    for value, info in zip(values, declared):
        if isinstance(value, (list, dict)) or value is None or not info.type.HasField("tensor_type"):
            return None
        tensor = onnx.TensorProto()
        tensor.CopyFrom(value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value)))
        tensor.name = info.name
        tensors.append(tensor)
    return helper.make_model(helper.make_graph([], "tensors", [], [], tensors))


def write(case, folder):
    """Writes model and inputs; false when an input or output is no tensor."""
    inputs, outputs = case.data_sets[0]
    fed = message(inputs, case.model.graph.input)
    if fed is None or message(outputs, case.model.graph.output) is None:
        return False
    onnx.save(case.model, os.path.join(folder, case.name + ".onnx"))
    onnx.save(fed, os.path.join(folder, case.name + ".inputs.onnx"))
    return True


def run(binary, folder, names, rows):
    """Runs tests in one process after another: a new one begins behind a test that ended the last."""
    names = list(names)
    while names:
        process = subprocess.Popen([binary, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            output, _ = process.communicate("".join(n + "\n" for n in names), timeout=60 + 2 * len(names))
            how = f"ended by signal {-process.returncode}" if process.returncode < 0 else "ended early"
        except subprocess.TimeoutExpired:
            process.kill()
            output, how = process.communicate()[0], "took too long"
        done = [json.loads(line) for line in output.splitlines() if line.endswith("}")]
        for row in done:
            rows[row["name"]] = row
        names = names[len(done):]
        if names:
            rows[names[0]] = {"name": names[0], "unknown": [], "error": how}
            names = names[1:]


def numpy(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def same_bytes(ours, theirs):
    """Whether two messages of small numbers hold the same; not every version of onnx can read its own float8."""
    def content(tensor):
        return tensor.raw_data or bytes(value & 255 for value in tensor.int32_data)

    return (isinstance(theirs, onnx.TensorProto) and ours.data_type == theirs.data_type >= onnx.TensorProto.FLOAT8E4M3FN
            and list(ours.dims) == list(theirs.dims) and content(ours) == content(theirs))


def difference(case, folder):
    """What is wrong with the outputs, by the rules of onnx.backend.test.runner; None when nothing is."""
    path = os.path.join(folder, case.name + ".outputs.onnx")
    found = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    for info, value in zip(case.model.graph.output, case.data_sets[0][1]):
        if info.name not in found:
            return f"output '{info.name}' is missing"
        if same_bytes(found[info.name], value):
            continue
        theirs, ours = numpy(value), numpy_helper.to_array(found[info.name])
        if ours.shape != theirs.shape:
            return f"output '{info.name}' has shape {list(ours.shape)}, expected {list(theirs.shape)}"
        if theirs.dtype.kind in "OUS":
            if [str(x) for x in ours.flat] != [str(x) for x in theirs.flat]:
                return f"output '{info.name}' holds other strings"
            continue
        if ours.dtype != theirs.dtype:
            return f"output '{info.name}' holds {ours.dtype}, expected {theirs.dtype}"
        rtol = case.rtol
        if theirs.dtype.name == "bfloat16":
            rtol = max(rtol, BFLOAT16)
        if theirs.dtype.kind == "V" or theirs.dtype.name.startswith(("bfloat", "float8", "int", "uint", "float4")):
            ours, theirs = (x.astype(np.float32) if x.dtype.itemsize < 4 else x for x in (ours, theirs))
        if not np.allclose(ours, theirs, rtol=rtol, atol=case.atol, equal_nan=True):
            with np.errstate(all="ignore"):
                error = np.nanmax(np.abs(ours.astype(np.complex128) - theirs.astype(np.complex128)))
            return f"output '{info.name}' differs by {error:.2g}"
    return None


def judge(tests, rows, folder):
    """Gives each row a status: passed, failed, or unregistered."""
    for case in tests:
        row = rows[case.name]
        if row.get("status") == "unregistered":
            continue
        if row["unknown"]:
            row["status"], row["error"] = "unregistered", "needs " + ", ".join(row["unknown"])
        elif "error" not in row:
            row["error"] = difference(case, folder)
        row.setdefault("status", "failed" if row["error"] else "passed")


def expectations():
    """What is recorded for this version of onnx: how many tests pass, and which fail for which reason."""
    with open(EXPECTED) as file:
        whole = json.load(file)
    version = whole["versions"].get(onnx.__version__, {"passed": 0, "failures": {}})
    return {"passed": version["passed"], "failures": {**whole["failures"], **version["failures"]}}


def known(name, expected):
    """Why a test is known to fail; None when it is not."""
    return next((reason for reason, patterns in expected["failures"].items()
                 if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)), None)


def table(rows, expected):
    """The counts by operator as Markdown."""
    groups = collections.defaultdict(collections.Counter)
    reasons = collections.defaultdict(set)
    for row in rows:
        groups[row["operator"]][row["status"]] += 1
        if row["status"] == "failed":
            reasons[row["operator"]].add(known(row["name"], expected) or f"`{row['name']}`: {row['error']}")
        elif row["status"] == "unregistered":
            reasons[row["operator"]].add(row["error"])
    total = sum((g for g in groups.values()), collections.Counter())
    lines = [
        f"ONNX {onnx.__version__}, {len(rows)} node tests: {total['passed']} of {total['passed'] + total['failed']} pass "
        f"whose operators are registered; {total['unregistered']} have others, or sequences and optionals.", "",
        "| operator | passed | failed | not supported | reason |", "|---|---:|---:|---:|---|"]
    for name, group in sorted(groups.items()):
        lines.append(f"| {name} | {group['passed']} | {group['failed']} | {group['unregistered']} | "
                     f"{'; '.join(sorted(reasons[name]))} |")
    return "\n".join(lines) + "\n", total


def record(rows, total, expected):
    """Writes down how many tests pass, and drops the patterns that stand for none that fails."""
    failing = [row["name"] for row in rows if row["status"] == "failed"]
    with open(EXPECTED) as file:
        whole = json.load(file)
    version = whole["versions"].setdefault(onnx.__version__, {"failures": {}})
    version["passed"] = expected["passed"] = total["passed"]
    isNewest = version is whole["versions"][max(whole["versions"], key=lambda v: [int(n) for n in v.split(".")])]
    for part in (version, whole) if isNewest else (version,):
        kept = {reason: [p for p in patterns if fnmatch.filter(failing, p)]
                for reason, patterns in part["failures"].items()}
        part["failures"] = {reason: patterns for reason, patterns in kept.items() if patterns}
    with open(EXPECTED, "w") as file:
        json.dump(whole, file, indent=2, ensure_ascii=False)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build/benchmarks/release/node-tests"))
    parser.add_argument("--only", action="append", help="an operator, or a pattern of names of tests; may be repeated")
    parser.add_argument("--output", help="where to write the table as Markdown; the rows go to .json beside it")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--record", action="store_true", help="write Tools/parity/conformance.json anew")
    parser.add_argument("--verbose", action="store_true", help="print the error of every test that fails")
    a = parser.parse_args()
    expected = expectations()
    tests = cases()
    by_name = {case.name: case for case in tests}
    rows = {}
    if a.only:
        tests = [c for c in tests if any(operators(c, by_name) == o or fnmatch.fnmatchcase(c.name, o) for o in a.only)]
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for case in tests:
            if write(case, folder):
                names.append(case.name)
            else:
                rows[case.name] = {"name": case.name, "status": "unregistered", "error": "sequences or optionals"}
        threads = [threading.Thread(target=run, args=(a.runner, folder, names[i::a.processes], rows))
                   for i in range(a.processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        judge(tests, rows, folder)
    for case in tests:
        rows[case.name]["operator"] = operators(case, by_name)
    ordered = [rows[case.name] for case in tests]
    text, total = table(ordered, expected)
    if a.output:
        with open(a.output, "w") as file:
            file.write(text)
        summary = {"onnx": onnx.__version__, "tests": len(ordered), **{k: total[k] for k in ("passed", "failed", "unregistered")},
                   "rows": [{k: r[k] for k in ("name", "operator", "status", "error") if r.get(k)} for r in ordered]}
        with open(os.path.splitext(a.output)[0] + ".json", "w") as file:
            json.dump(summary, file, indent=1)
    if a.record and not a.only:
        record(ordered, total, expected)
    print(text if not a.only else text.splitlines()[0])
    problems = []
    for row in ordered:
        reason = known(row["name"], expected)
        if row["status"] == "failed" and a.verbose:
            print(f"{row['name']}: {row['error']}{f' [{reason}]' if reason else ''}")
        if row["status"] == "failed" and not reason:
            problems.append(f"{row['name']} fails: {row['error']}")
        if row["status"] == "passed" and reason:
            problems.append(f"{row['name']} passes, but is listed as failing: {reason}")
    if not a.only and total["passed"] < expected["passed"]:
        problems.append(f"{total['passed']} tests pass, {expected['passed']} did when this was recorded")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
