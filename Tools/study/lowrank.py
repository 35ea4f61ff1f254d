#!/usr/bin/env python3
"""Low-rank factorisation: mAP against MACs and measured latency for several methods.

    python Tools/study/lowrank.py embedded        # the embedded detector, trained on
    python Tools/study/lowrank.py model vgg.onnx  # one trained on the embedded scenes
    python Tools/study/lowrank.py shared          # shared detectors, label-free recovery

Every row is one `compress lowrank --target-macs --gain macs`; a row that is in the output folder
already is not run again. "bn" puts batch normalisations between the stages. Writes a Markdown
table.
"""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import scenes
from lib import places
from lib.command import TARGET_MISSED, Compress, named
from lib.records import Records
from lib.table import Table

METHODS = {
    "spatial": ["--method", "svd,spatial-svd"],
    "spatial, bn": ["--method", "svd,spatial-svd", "--batchnorm-between"],
    "channel": ["--method", "svd,channel-svd"],
    "response": ["--method", "response-svd"],
    "tucker": ["--method", "svd,tucker"],
    "cp": ["--method", "svd,cp"],
    "separable": ["--method", "svd,depthwise-separable"],
    "all": ["--method", "svd,spatial-svd,channel-svd,tucker"],
    "sensitivity": ["--method", "svd,spatial-svd", "--allocation", "sensitivity"],
}
COLUMNS = [("model", ""), ("method", ""), ("layers", "d"), ("MACs (M)", ".1f"), ("of all", ".2f"),
           ("parameters", ",d"), ("of all", ".2f"), ("latency ms", ".2f"), ("speed-up", ".2f")]


def latency(a, models):
    """The least of five medians on one thread in ms, models in turn."""
    compress = Compress(a.compress)
    rounds = [[compress.latency(model, 1, "--runs", "30") for model in models] for _ in range(5)]
    return [min(times) for times in zip(*rounds)]


def row(a, records, name, model, method, target, extra, label):
    stem = f"{name}-{method}-{target}-{label}".replace(", ", "-").replace(" ", "-")

    def make():
        thin = records.path(stem, ".onnx")
        result = Compress(a.compress, a.threads).report(
            "lowrank", *named(model), *METHODS[method], "--target-macs", target, "--gain", "macs",
            "--output", thin, *extra, accept=(0, TARGET_MISSED))
        return dict(model=name, method=method, target=target, label=label,
                    layers=len(result["plan"]["layers"]), **scenes.found(result), file=thin,
                    isTargetMet=result["isTargetMet"])
    return records.row(stem, make)


def whole(a, records, name, model, data):
    return scenes.whole(Compress(a.compress), records, name, model, data,
                        lambda: dict(layers=0, file=model))


def table(a, rows, labels):
    groups = scenes.grouped(rows)
    firsts = [next(iter(group.values())) for group in groups]
    times = latency(a, [r["file"] for r in firsts])
    bases = {r["model"]: (r, t) for r, t in zip(firsts, times) if r["method"] == "whole"}
    made = Table(f"lowrank-{a.study}", COLUMNS + [(f"mAP {label}", ".4f") for label in labels],
                 a.save, 0)
    for group, first, time in zip(groups, firsts, times):
        base, base_time = bases[first["model"]]
        made.add(first["model"], first["method"], first["layers"] or None, first["macs"] / 1e6,
                 first["macs"] / base["macs"], first["parameters"],
                 first["parameters"] / base["parameters"], time, base_time / time,
                 *scenes.scores(group, labels))
    return made.text()


def embedded(a, records, name, model):
    """A detector of the embedded scenes: one-shot, and trained on with labels."""
    data = []
    if model:
        folder = os.path.join(a.output, "scenes")
        if not os.path.exists(folder):
            for part, images, first in (("train", 1200, 0), ("val", 300, 1000000)):
                Compress(a.compress).do("dataset", "synth", "--output", os.path.join(folder, part),
                                        "--images", images, "--first", first)
        data = ["--data", folder + "/val", "--train-data", folder + "/train"]
    rows = [whole(a, records, name, model, data[:2])]
    labels = ["one-shot", f"after {a.epochs} epochs"]
    methods = a.methods or ["spatial", "spatial, bn", "tucker", "cp", "separable", "sensitivity"]
    for target in a.targets or [0.7, 0.5]:
        for method in methods:
            for label, epochs in zip(labels, (0, a.epochs)):
                if label == "one-shot" and method == "spatial, bn":
                    continue
                rows.append(row(a, records, name, model, method, target,
                                [*data, "--epochs", str(epochs), "--lr", "0.002", "--calib-count",
                                 "64"], label))
    return rows, labels


def shared(a, records):
    rows, labels, data = [], ["one-shot", "recovered"], scenes.coco()
    methods = a.methods or ["spatial", "channel", "response", "tucker", "cp", "all", "sensitivity"]
    for name in a.models:
        model = places.model(name)
        rows.append(whole(a, records, name, model, data[:2]))
        for target in a.targets or [0.8]:
            for method in methods:
                for label in labels:
                    rows.append(row(a, records, name, model, method, target,
                                    data + scenes.recovery(label, a.epochs), label))
    return rows, labels


def main():
    parser = places.parser(__doc__)
    parser.add_argument("study", choices=["embedded", "model", "shared"])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--output", default="out/lowrank")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", choices=METHODS)
    parser.add_argument("--targets", nargs="+", type=float)
    parser.add_argument("--models", nargs="+", default=["yolo11n_dequant", "yolox_nano_416"])
    a = parser.parse_args()
    records = Records(a.output)
    if a.study == "shared":
        rows, labels = shared(a, records)
    else:
        name = os.path.splitext(os.path.basename(a.model))[0] if a.model else "default"
        rows, labels = embedded(a, records, name, a.model)
    text = table(a, [r for r in rows if r], labels)
    with open(os.path.join(a.output, f"{a.study}.md"), "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
