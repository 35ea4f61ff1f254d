#!/usr/bin/env python3
"""Times our engine against its peers, both in one run, in turn, on the same input.

    make bench
    .venv/bin/python Tools/bench.py --only latency --rounds 9 yolox_nano_416.onnx

latency   batch-1 latency of each shared model with 1 and 2 threads, against ONNX Runtime: the two engines
          take turns for `--rounds` rounds, each round a process that warms up and reports its median; the
          ratio is the median over rounds of ours / theirs. Memory is the peak resident set: what loading
          and running the model adds to what the process takes before (programs and libraries; for ONNX
          Runtime, Python with its modules), then that of the whole process.
startup   wall time of a whole process that loads a 4 MB model.
map       the twelve COCO numbers on 5,000 synthetic images x 100 detections of 80 classes, against pycocotools.
"""
import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")

THEIRS = r"""
import json, resource, sys, time
import numpy as np, onnx, onnxruntime as ort
ort.set_default_logger_severity(3)
def peak():
    return next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")) * 1024
before = peak()
path, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
options = ort.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
constants = set(json.loads(sys.argv[4]))
feed = {}
for entry in session.get_inputs():
    if entry.name not in constants:
        shape = [d if isinstance(d, int) else 1 for d in entry.shape]
        feed[entry.name] = np.random.default_rng(0).random(shape, np.float32)
for _ in range(5):
    session.run(None, feed)
times, start = [], time.perf_counter()
while time.perf_counter() - start < seconds or len(times) < 5:
    t = time.perf_counter()
    session.run(None, feed)
    times.append(time.perf_counter() - t)
print(json.dumps(dict(median=sorted(times)[len(times) // 2] * 1000, added=peak() - before, whole=peak())))
"""


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((l.split(":")[1].strip() for l in f if l.startswith("model name")), platform.machine())


def theirs(model, threads, seconds, constants):
    run = subprocess.run([sys.executable, "-c", THEIRS, model, str(threads), str(seconds), json.dumps(constants)],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def ours(compress, model, threads, seconds):
    run = subprocess.run([compress, "benchmark", model, "--threads", str(threads), "--seconds", str(seconds),
                          "--format", "json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{model}: {run.stderr.strip()}")
    result = json.loads(run.stdout)
    whole = result["peakMemoryBytes"]
    return dict(median=result["latency"]["median"], added=whole - result["memoryBeforeLoadBytes"], whole=whole)


def latency(a, models):
    import onnx
    print("| model | threads | ours ms | ONNX Runtime ms | ratio | our added MB | ONNX Runtime's | "
          "our process MB | ONNX Runtime's |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for model in models:
        constants = [i.name for i in onnx.load(model).graph.initializer]
        for threads in (1, 2):
            rounds = []
            for _ in range(a.rounds):
                rounds.append((ours(a.compress, model, threads, a.seconds), theirs(model, threads, a.seconds, constants)))
            ratio = statistics.median(o["median"] / t["median"] for o, t in rounds)
            mine, other = (statistics.median(r[i]["median"] for r in rounds) for i in (0, 1))
            memory = [max(r[i][key] for r in rounds) / 1e6 for key in ("added", "whole") for i in (0, 1)]
            print(f"| {os.path.basename(model)} | {threads} | {mine:.2f} | {other:.2f} | {ratio:.2f} | "
                  + " | ".join(f"{m:.0f}" for m in memory) + " |", flush=True)


def startup(a):
    model = os.path.join(SHARED, "models", "nanodet_m_320.onnx")
    times = []
    for _ in range(2 * a.rounds):
        t = time.perf_counter()
        subprocess.run([a.compress, "benchmark", model, "--runs", "1", "--warmup", "0", "--format", "json"],
                       check=True, capture_output=True)
        times.append(time.perf_counter() - t)
    print(f"Start, load of a {os.path.getsize(model) / 1e6:.1f} MB model, preparation and one run, whole process: "
          f"median {statistics.median(times) * 1000:.0f} ms, least {min(times) * 1000:.0f} ms")


def synthetic(folder, images=5000, detections=100, classes=80):
    import numpy as np
    rng = np.random.default_rng(7)
    annotations, results, k = [], [], 1
    for image in range(1, images + 1):
        n = rng.integers(0, 15)
        truth = np.concatenate([rng.random((n, 2)) * 500, rng.random((n, 2)) * 150 + 5], 1).round(2)
        labels = rng.integers(1, classes + 1, n)
        for box, label in zip(truth.tolist(), labels.tolist()):
            annotations.append(dict(id=k, image_id=image, category_id=label, bbox=box, area=box[2] * box[3],
                                    iscrowd=int(rng.random() < 0.01)))
            k += 1
        own = rng.integers(0, max(n, 1), detections)
        boxes = np.concatenate([rng.random((detections, 2)) * 500, rng.random((detections, 2)) * 150 + 5], 1)
        guess = rng.integers(1, classes + 1, detections)
        near = (rng.random(detections) < 0.3) & (n > 0)
        if n:
            boxes[near] = truth[own[near]] + rng.normal(0, 6, (near.sum(), 4))
            boxes[:, 2:] = np.maximum(boxes[:, 2:], 1)
            guess[near] = labels[own[near]]
        scores = rng.random(detections)
        results += [dict(image_id=image, category_id=int(c), bbox=[round(v, 3) for v in b], score=round(float(s), 5))
                    for b, c, s in zip(boxes.tolist(), guess, scores)]
    truth = dict(images=[dict(id=i, width=640, height=640, file_name=f"{i}.jpg") for i in range(1, images + 1)],
                 annotations=annotations, categories=[dict(id=c, name=f"class{c}") for c in range(1, classes + 1)])
    paths = [os.path.join(folder, n) for n in ("annotations.json", "detections.json")]
    for path, value in zip(paths, (truth, results)):
        with open(path, "w") as f:
            json.dump(value, f)
    return paths


PEER = r"""
import contextlib, io, json, resource, sys, time
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    score = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
    score.evaluate(); score.accumulate(); score.summarize()
print(json.dumps(dict(stats=list(score.stats), seconds=time.perf_counter() - start,
                      memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)))
"""


def mean_average_precision(a):
    with tempfile.TemporaryDirectory() as folder:
        truth, detections = synthetic(folder)
        t = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        run = subprocess.Popen([a.compress, "evaluate", "--detections", detections, "--data", truth, "--format", "json"],
                               stdout=subprocess.PIPE, text=True)
        text = run.stdout.read()
        _, status, usage = os.wait4(run.pid, 0)
        if status:
            raise SystemExit("compress evaluate --detections failed")
        seconds, memory = time.perf_counter() - t, usage.ru_maxrss * 1024
        mine = json.loads(text)["summary"]
        peer = json.loads(subprocess.run([sys.executable, "-c", PEER, truth, detections], capture_output=True,
                                         text=True, check=True).stdout)
    keys = ["AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR_1", "AR_10", "AR_100", "AR_S", "AR_M", "AR_L"]
    error = max(abs(mine[k] - v) for k, v in zip(keys, peer["stats"]))
    print("| | whole process s | peak MB |\n|---|---:|---:|")
    print(f"| ours | {seconds:.2f} | {memory / 1e6:.0f} |")
    print(f"| pycocotools | {peer['seconds']:.2f} | {peer['memory'] / 1e6:.0f} |")
    print(f"\n{peer['seconds'] / seconds:.1f} x as fast; largest difference of the twelve numbers {error:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--only", choices=["latency", "startup", "map"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    a = parser.parse_args()
    if not os.path.isdir(SHARED):
        raise SystemExit("../shared is absent: there are no models to time")
    import onnxruntime
    print(f"CPU: {cpu()}, {os.cpu_count()} cores; ONNX Runtime {onnxruntime.__version__}; "
          f"{a.rounds} rounds of {a.seconds:g} s each\n")
    models = [m if os.path.exists(m) else os.path.join(SHARED, "models", m) for m in a.models] or sorted(
        os.path.join(SHARED, "models", f) for f in os.listdir(os.path.join(SHARED, "models")) if f.endswith(".onnx"))
    if a.only in (None, "latency"):
        latency(a, models)
        print()
    if a.only in (None, "startup"):
        startup(a)
        print()
    if a.only in (None, "map"):
        mean_average_precision(a)


if __name__ == "__main__":
    main()
