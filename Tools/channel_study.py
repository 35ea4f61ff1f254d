#!/usr/bin/env python3
"""Channel pruning: mAP against MACs and measured latency for several criteria.

    python Tools/channel_study.py embedded --output out/channels     # the embedded detector, trained on after the cut
    python Tools/channel_study.py shared --output out/channels       # shared detectors, one-shot and label-free recovery

Every row is one `compress prune --target-macs`; a row that is in the output folder already is not run again. Writes a
Markdown table and a JSON file. Calibration and recovery see coco_train_128 only, scores come from coco_val_128.
"""
import argparse
import json
import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
METHODS = ["l1", "fpgm", "bn-gamma", "apoz", "taylor", "lasso", "random"]


def call(command):
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode not in (0, 3):
        return None, run.stderr.strip().splitlines()[-1:]
    return json.loads(run.stdout), None


def latency(a, model):
    """The least of four medians on one thread, in ms."""
    results = [call([a.compress, "benchmark", *([model] if model else []), "--threads", "1", "--runs", "30",
                     "--format", "json", "--quiet"])[0] for _ in range(4)]
    return min(r["latency"]["median"] for r in results)


def row(a, name, model, method, target, extra, label):
    os.makedirs(a.output, exist_ok=True)
    stem = f"{name}-{method}-{target}-{label}".replace("/", "_")
    record = os.path.join(a.output, stem + ".json")
    if os.path.exists(record):
        return json.load(open(record))
    slim = os.path.join(a.output, stem + ".onnx")
    command = [a.compress, "prune", *([model] if model else []), "--channels", "--method", method, "--target-macs",
               str(target), "--output", slim, "--format", "json", "--quiet", "--threads", str(a.threads), *extra]
    start = time.time()
    result, error = call(command)
    if result is None:
        print(f"skipped {stem}: {error}", flush=True)
        return None
    after = result["after"]
    out = dict(model=name, method=method, target=target, label=label, channelRatio=result["channelRatio"],
               parameters=after["parameters"], macs=after["macs"], AP=after["accuracy"]["AP"],
               AP50=after["accuracy"]["AP50"], proof=max(result["proof"]["errors"].values()),
               latency=latency(a, slim), seconds=time.time() - start)
    json.dump(out, open(record, "w"))
    print(f"{stem}: AP {out['AP']:.4f}, {out['seconds']:.0f} s", flush=True)
    return out


def whole(a, name, model, data):
    record = os.path.join(a.output, f"{name}-whole.json")
    if os.path.exists(record):
        return json.load(open(record))
    os.makedirs(a.output, exist_ok=True)
    score, _ = call([a.compress, "evaluate", *([model] if model else []), *data, "--format", "json", "--quiet"])
    cost, _ = call([a.compress, "inspect", *([model] if model else []), "--summary", "--format", "json", "--quiet"])
    out = dict(model=name, method="whole", target=1, label="", channelRatio=0, parameters=cost["cost"]["parameters"],
               macs=cost["cost"]["macs"], AP=score["summary"]["AP"], AP50=score["summary"]["AP50"], proof=0,
               latency=latency(a, model), seconds=0)
    json.dump(out, open(record, "w"))
    return out


def table(rows, labels):
    lines = ["| model | method | MACs (M) | of all | parameters | latency ms | " + " | ".join(f"mAP {l}" for l in labels) + " |",
             "|---|---|---:|---:|---:|---:|" + "---:|" * len(labels)]
    bases = {r["model"]: r for r in rows if r["method"] == "whole"}
    groups = {}
    for r in rows:
        groups.setdefault((r["model"], r["target"], r["method"]), {})[r["label"]] = r
    for (model, _, method), found in groups.items():
        first = next(iter(found.values()))
        values = [f"{found[l]['AP']:.4f}" if l in found else "" for l in labels]
        if method == "whole":
            values = [f"{first['AP']:.4f}"] + [""] * (len(labels) - 1)
        lines.append(f"| {model} | {method} | {first['macs'] / 1e6:.1f} | {first['macs'] / bases[model]['macs']:.2f} | "
                     f"{first['parameters']:,} | {first['latency']:.2f} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def embedded(a):
    rows = [whole(a, "default", None, [])]
    labels = ["one-shot", f"{a.epochs} epochs"]
    for target in a.targets or [0.75, 0.5, 0.25]:
        for method in a.methods:
            for label, epochs in zip(labels, (0, a.epochs)):
                rows.append(row(a, "default", None, method, target,
                                ["--epochs", str(epochs), "--lr", "0.002", "--calib-count", "64"], label))
    return rows, labels


def shared(a):
    rows = []
    labels = ["one-shot", "recovered"]
    data = os.path.join(SHARED, "datasets")
    common = ["--data", os.path.join(data, "coco_val_128"), "--calib", os.path.join(data, "coco_train_128/images"),
              "--train-data", os.path.join(data, "coco_train_128"), "--batch", "8"]
    for name in a.models:
        model = os.path.join(SHARED, "models", name + ".onnx")
        rows.append(whole(a, name, model, ["--data", os.path.join(data, "coco_val_128")]))
        for target in a.targets or [0.9, 0.75]:
            for method in a.methods:
                for label in labels:
                    epochs = ["--epochs", "0"] if label == "one-shot" else [
                        "--epochs", str(a.epochs), "--loss", "match", "--lr", "0.00005", "--freeze-bn"]
                    rows.append(row(a, name, model, method, target, common + epochs, label))
    return rows, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["embedded", "shared"])
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--output", default="out/channels")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--targets", nargs="+", type=float)
    parser.add_argument("--models", nargs="+", default=["yolo11n_dequant", "nanodet_m_320", "fastestdet_512_bn"])
    a = parser.parse_args()
    rows, labels = embedded(a) if a.study == "embedded" else shared(a)
    rows = [r for r in rows if r]
    text = table(rows, labels)
    with open(os.path.join(a.output, f"{a.study}.md"), "w") as f:
        f.write(text)
    print(text)


if __name__ == "__main__":
    main()
