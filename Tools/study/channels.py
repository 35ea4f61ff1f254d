#!/usr/bin/env python3
"""Channel pruning: mAP against MACs and measured latency for several criteria.

    python Tools/study/channels.py embedded   # the embedded detector, trained on after the cut
    python Tools/study/channels.py shared     # shared detectors, one-shot and label-free recovery

Every row is one `compress prune --target-macs`; a row that is in the output folder already is not
run again. Writes a Markdown table. Calibration and recovery see coco_train_128 only, scores come
from coco_val_128.
"""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import scenes
from lib import places
from lib.command import TARGET_MISSED, Compress, named
from lib.records import Records
from lib.table import Table

METHODS = ["l1", "fpgm", "bn-gamma", "apoz", "taylor", "lasso", "random"]
COLUMNS = [("model", ""), ("method", ""), ("MACs (M)", ".1f"), ("of all", ".2f"),
           ("parameters", ",d"), ("latency ms", ".2f")]


def latency(a, model):
    """The least of four medians on one thread, in ms."""
    return min(Compress(a.compress).latency(model, 1, "--runs", "30") for _ in range(4))


def row(a, records, name, model, method, target, extra, label):
    stem = f"{name}-{method}-{target}-{label}".replace("/", "_")

    def make():
        slim = records.path(stem, ".onnx")
        result = Compress(a.compress, a.threads).report(
            "prune", *named(model), "--channels", "--method", method, "--target-macs", target,
            "--output", slim, *extra, accept=(0, TARGET_MISSED))
        return dict(model=name, method=method, target=target, label=label,
                    channelRatio=result["channelRatio"], **scenes.found(result),
                    latency=latency(a, slim))
    return records.row(stem, make)


def whole(a, records, name, model, data):
    return scenes.whole(Compress(a.compress), records, name, model, data,
                        lambda: dict(channelRatio=0, latency=latency(a, model)))


def table(a, rows, labels):
    bases = {r["model"]: r for r in rows if r["method"] == "whole"}
    made = Table(f"channels-{a.study}", COLUMNS + [(f"mAP {label}", ".4f") for label in labels],
                 a.save, 0)
    for group in scenes.grouped(rows):
        first = next(iter(group.values()))
        made.add(first["model"], first["method"], first["macs"] / 1e6,
                 first["macs"] / bases[first["model"]]["macs"], first["parameters"],
                 first["latency"], *scenes.scores(group, labels))
    return made.text()


def embedded(a, records):
    rows = [whole(a, records, "default", None, [])]
    labels = ["one-shot", f"{a.epochs} epochs"]
    for target in a.targets or [0.75, 0.5, 0.25]:
        for method in a.methods:
            for label, epochs in zip(labels, (0, a.epochs)):
                rows.append(row(a, records, "default", None, method, target,
                                ["--epochs", str(epochs), "--lr", "0.002", "--calib-count", "64"],
                                label))
    return rows, labels


def shared(a, records):
    rows, labels, data = [], ["one-shot", "recovered"], scenes.coco()
    for name in a.models:
        model = places.model(name)
        rows.append(whole(a, records, name, model, data[:2]))
        for target in a.targets or [0.9, 0.75]:
            for method in a.methods:
                for label in labels:
                    rows.append(row(a, records, name, model, method, target,
                                    data + scenes.recovery(label, a.epochs), label))
    return rows, labels


def main():
    parser = places.parser(__doc__)
    parser.add_argument("study", choices=["embedded", "shared"])
    parser.add_argument("--output", default="out/channels")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--targets", nargs="+", type=float)
    parser.add_argument("--models", nargs="+",
                        default=["yolo11n_dequant", "nanodet_m_320", "fastestdet_512_bn"])
    a = parser.parse_args()
    records = Records(a.output)
    rows, labels = (embedded if a.study == "embedded" else shared)(a, records)
    text = table(a, [r for r in rows if r], labels)
    with open(os.path.join(a.output, f"{a.study}.md"), "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
