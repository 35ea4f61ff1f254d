#!/usr/bin/env python3
"""INT8 on the shared detectors: observers, schemes, ONNX Runtime's own quantisation, and the speed
of both.

    .venv/bin/python Tools/study/quantize.py --models yolox_nano_416 --variants "default;minmax"

Prints Markdown tables. Calibration: coco_train_128; scores: coco_val_128. Models are written to a
temporary folder.
"""
import os
import statistics
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import peers, places
from lib.command import TARGET_MISSED, Compress
from lib.table import Table

CALIBRATION = places.dataset("coco_train_128")
SCORED = places.dataset("coco_val_128")
MODELS = ["yolo_fastest_1.1_bn", "yolo_fastest_1.1_xl_bn", "fastestdet_512_bn", "nanodet_m_320",
          "yolox_nano_416", "yolo11n_dequant"]
VARIANTS = {
    "default": [],
    "minmax": ["--observer", "minmax"],
    "moving-average": ["--observer", "moving-average"],
    "percentile": ["--observer", "percentile"],
    "entropy": ["--observer", "entropy"],
    "per-tensor": ["--per-tensor"],
    "no equalisation": ["--equalize", "none"],
    "no bias correction": ["--bias-correction", "none"],
    "sequential bias correction": ["--bias-correction", "sequential"],
    "no guard": ["--max-damage", "inf"],
    "6 bits": ["--bits", "6"],
    "4 bits": ["--bits", "4"],
    "detection": ["--observer", "detection"],
    "adaptive": ["--rounding", "adaptive"],
    "6 bits, adaptive": ["--bits", "6", "--rounding", "adaptive"],
    "4-bit weights": ["--weight-bits", "4"],
    "4-bit weights, adaptive": ["--weight-bits", "4", "--rounding", "adaptive"],
    "fine-tuned": ["--finetune", "2", "--loss", "match", "--train-data", CALIBRATION],
    "4-bit weights, no guard": ["--weight-bits", "4", "--max-damage", "inf"],
    "4-bit weights, fine-tuned": ["--weight-bits", "4", "--max-damage", "inf", "--finetune", "4",
                                  "--batch", "8", "--loss", "match", "--train-data", CALIBRATION],
    "data-free": ["--data-free"],
    "drawn images": ["--calib", "dead-leaves"],
    "data-free, per-tensor": ["--data-free", "--per-tensor"],
}
PEERS = ["MinMax", "Entropy", "Percentile"]


OWN = [("model", ""), ("variant", ""), ("AP float", ".4f"), ("AP INT8", ".4f"), ("change", "+.4f"),
       ("layers", ""), ("file", "× {:.2f}"), ("calibration (s)", ".1f")]
SPEED = [("model", ""), ("threads", "d"), ("ONNX Runtime: FP32 (ms)", ".2f"), ("its INT8", ".2f"),
         ("our file", ".2f"), ("ours / its", ".2f"), ("ours / FP32", ".2f"),
         ("compress: FP32 (ms)", ".2f"), ("INT8", ".2f"), ("FP32 / INT8", ".2f"),
         ("INT8 / ONNX Runtime's", ".2f")]


def quantize(compress, name, options, output):
    images = [] if "--calib" in options or "--data-free" in options else ["--calib", CALIBRATION]
    return compress.report("quantize", places.model(name), "--data", SCORED, "--output", output,
                           *images, *options, accept=(0, TARGET_MISSED))


def exact(compress, path):
    """AP in the integers of `compress`, which saturate on no CPU; those of ONNX Runtime do without
    VNNI."""
    return compress.score(path, ["--data", SCORED])["AP"]


def speeds(compress, name, own, theirs, threads, rounds):
    """Medians over rounds in which all take turns, and medians of the ratios within a round."""
    peer, paths = [], (places.model(name), theirs, own)
    for path in paths:
        session = peers.session(path, threads)
        feed = peers.noise(peers.input_shapes(path))
        peer.append(lambda session=session, feed=feed: session.run(None, feed))
    found = [[peers.median(run, runs=20)[0] for run in peer]
             + [compress.latency(path, threads) for path in (paths[0], own)]
             for _ in range(rounds)]
    times = [statistics.median(column) for column in zip(*found)]

    def ratio(over, under):
        return statistics.median(row[over] / row[under] for row in found)
    return *times[:3], ratio(2, 1), ratio(2, 0), *times[3:], ratio(3, 4), ratio(4, 1)


def own(a, compress, models, variants, folder):
    table = Table("int8-own", OWN, a.save)
    for name in models:
        for variant in variants:
            path = os.path.join(folder, f"{name}.{variant}.onnx")
            result = quantize(compress, name, VARIANTS[variant], path)
            before, after = result["before"], result["after"]
            ap = before["accuracy"]["AP"], after["accuracy"]["AP"]
            table.add(name, variant, *ap, ap[1] - ap[0],
                      f"{result['layers']} of {result['allLayers']}",
                      after["fileBytes"] / before["fileBytes"], result["calibrationSeconds"])


def scores(a, compress, models, variants, folder):
    kinds = [f"quantize_static, {method}" for method in PEERS]
    kinds += ["our default"] if "default" in variants else []
    print("\nAP in ONNX Runtime / in compress:\n")
    table = Table("int8-peer", [("model", "")] + [(kind, "") for kind in kinds], a.save)
    for name in models:
        found = [os.path.join(folder, f"{name}.{method}.onnx") for method in PEERS]
        for method, path in zip(PEERS, found):
            peers.quantize(name, method, path)
        found += [os.path.join(folder, f"{name}.default.onnx")][: len(kinds) - len(PEERS)]
        table.add(name, *(f"{peers.score(p):.4f} / {exact(compress, p):.4f}" for p in found))


def main():
    parser = places.parser(__doc__)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--variants", default=";".join(VARIANTS))
    parser.add_argument("--threads", type=int, default=2, help="of compress, but for latencies")
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--skip-own", action="store_true",
                        help="leave out compress: the table of its peer alone")
    parser.add_argument("--rounds", type=int, default=5,
                        help="of latencies, in which all engines take turns")
    parser.add_argument("--skip-speed", action="store_true",
                        help="of the peer's files, score them only")
    a = parser.parse_args()
    models, variants = a.models.split(","), [] if a.skip_own else a.variants.split(";")
    compress = Compress(a.compress, a.threads)
    with tempfile.TemporaryDirectory() as folder:
        own(a, compress, models, variants, folder)
        if a.skip_peer:
            return
        scores(a, compress, models, variants, folder)
        if a.skip_speed or "default" not in variants:
            return
        print()
        table = Table("int8-speed", SPEED, a.save)
        for name in models:
            files = [os.path.join(folder, f"{name}.{kind}.onnx") for kind in ("default", "MinMax")]
            for threads in (1, 2):
                table.add(name, threads, *speeds(compress, name, *files, threads, a.rounds))


if __name__ == "__main__":
    main()
