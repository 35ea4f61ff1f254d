#!/usr/bin/env python3
"""Times our engine against its peers, both in one run, in turn, on the same input.

    make bench
    .venv/bin/python Tools/bench/inference.py --only latency --rounds 9 yolox_nano_416.onnx

latency   batch-1 latency of each shared model with 1 and 2 threads, against ONNX Runtime: the two
          engines take turns for `--rounds` rounds, each round a process that warms up and reports
          its median; the ratio is the median over rounds of ours / theirs. Memory is the peak
          resident set: what loading and running the model adds to what the process takes before
          (programs and libraries; for ONNX Runtime, Python with its modules), then that of the
          whole process.
startup   wall time of a whole process that loads a 4 MB model.
map       the twelve COCO numbers on 5,000 synthetic images x 100 detections of 80 classes, against
          pycocotools.
"""
import json
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.command import Compress, call
from lib.processes import cpu, fresh, measured, peak
from lib.table import Table

LATENCY = [("model", ""), ("threads", "d"), ("ours ms", ".2f"), ("ONNX Runtime ms", ".2f"),
           ("ratio", ".2f"), ("our added MB", ".0f"), ("ONNX Runtime's", ".0f"),
           ("our process MB", ".0f"), ("ONNX Runtime's", ".0f")]
KEYS = ["AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR_1", "AR_10", "AR_100", "AR_S", "AR_M",
        "AR_L"]


def theirs(path, threads, seconds, constants):
    """Runs a model in ONNX Runtime in this process."""
    import numpy as np
    import onnx  # its memory is Python's, not the model's
    import onnxruntime
    before = peak()
    session = peers.session(path, threads)
    feed = {}
    for entry in session.get_inputs():
        if entry.name not in constants:
            shape = [d if isinstance(d, int) else 1 for d in entry.shape]
            feed[entry.name] = np.random.default_rng(0).random(shape, np.float32)
    median, _ = peers.median(lambda: session.run(None, feed), seconds)
    return dict(median=median, added=peak() - before, whole=peak())


def latency(a, compress, models):
    import onnx
    table = Table("latency", LATENCY, a.save, 0)
    for model in models:
        constants = [i.name for i in onnx.load(model).graph.initializer]
        for threads in (1, 2):
            rounds = [(compress.timed(model, threads, "--seconds", a.seconds),
                       fresh(theirs, model, threads, a.seconds, constants))
                      for _ in range(a.rounds)]
            ratio = statistics.median(o["median"] / t["median"] for o, t in rounds)
            times = (statistics.median(r[i]["median"] for r in rounds) for i in (0, 1))
            memory = (max(r[i][key] for r in rounds) / 1e6
                      for key in ("added", "whole") for i in (0, 1))
            table.add(os.path.basename(model), threads, *times, ratio, *memory)


def startup(a):
    model = places.model("nanodet_m_320.onnx")
    times = []
    for _ in range(2 * a.rounds):
        start = time.perf_counter()
        call([a.compress, "benchmark", model, "--runs", 1, "--warmup", 0, "--format", "json"])
        times.append(time.perf_counter() - start)
    print(f"Start, load of a {os.path.getsize(model) / 1e6:.1f} MB model, preparation and one run, "
          f"whole process: median {statistics.median(times) * 1000:.0f} ms, "
          f"least {min(times) * 1000:.0f} ms")


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


def mean_average_precision(a):
    with tempfile.TemporaryDirectory() as folder:
        truth, detections = synthetic(folder)
        text, seconds, memory = measured([a.compress, "evaluate", "--detections", detections,
                                          "--data", truth, "--format", "json"])
        peer = fresh(peers.coco, truth, detections)
    mine = json.loads(text)["summary"]
    error = max(abs(mine[k] - v) for k, v in zip(KEYS, peer["stats"]))
    table = Table("coco", [("", ""), ("whole process s", ".2f"), ("peak MB", ".0f")], a.save, 7)
    table.add("ours", seconds, memory / 1e6)
    table.add("pycocotools", peer["seconds"], peer["memory"] / 1e6)
    print(f"\n{peer['seconds'] / seconds:.1f} x as fast; "
          f"largest difference of the twelve numbers {error:.1e}")


def main():
    parser = places.parser(__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--only", choices=["latency", "startup", "map"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    a = parser.parse_args()
    models = places.models(a.models)
    import onnxruntime
    print(f"CPU: {cpu()}, {os.cpu_count()} cores; ONNX Runtime {onnxruntime.__version__}; "
          f"{a.rounds} rounds of {a.seconds:g} s each\n")
    if a.only in (None, "latency"):
        latency(a, Compress(a.compress), models)
        print()
    if a.only in (None, "startup"):
        startup(a)
        print()
    if a.only in (None, "map"):
        mean_average_precision(a)


if __name__ == "__main__":
    main()
