#!/usr/bin/env python3
"""Low-rank factorisation: mAP against MACs and measured latency for several methods.

    python Tools/lowrank_study.py embedded --output out/lowrank            # the embedded detector, trained on
    python Tools/lowrank_study.py model vgg.onnx --output out/lowrank      # one trained on the embedded scenes
    python Tools/lowrank_study.py shared --output out/lowrank              # shared detectors, one-shot and label-free recovery

Every row is one `compress lowrank --target-macs --gain macs`; a row that is in the output folder already is not run again.
"bn" puts batch normalisations between the stages. Writes a Markdown table.
"""
import argparse
import json
import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
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


def call(command):
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode not in (0, 3):
        return None, run.stderr.strip().splitlines()[-1:]
    return json.loads(run.stdout), None


def latency(a, models):
    """The least of five medians on one thread in ms, models in turn."""
    best = [float("inf")] * len(models)
    for _ in range(5):
        for i, model in enumerate(models):
            run, _ = call([a.compress, "benchmark", *([model] if model else []), "--threads", "1", "--runs", "30",
                           "--format", "json", "--quiet"])
            best[i] = min(best[i], run["latency"]["median"])
    return best


def row(a, name, model, method, target, extra, label):
    stem = f"{name}-{method}-{target}-{label}".replace(", ", "-").replace(" ", "-")
    record = os.path.join(a.output, stem + ".json")
    if os.path.exists(record):
        return json.load(open(record))
    thin = os.path.join(a.output, stem + ".onnx")
    start = time.time()
    result, error = call([a.compress, "lowrank", *([model] if model else []), *METHODS[method], "--target-macs",
                          str(target), "--gain", "macs", "--output", thin, "--format", "json", "--quiet", "--threads",
                          str(a.threads), *extra])
    if result is None:
        print(f"skipped {stem}: {error}", flush=True)
        return None
    after = result["after"]
    out = dict(model=name, method=method, target=target, label=label, layers=len(result["plan"]["layers"]),
               parameters=after["parameters"], macs=after["macs"], AP=after["accuracy"]["AP"], file=thin,
               isTargetMet=result["isTargetMet"], proof=max(result["proof"]["errors"].values()),
               seconds=time.time() - start)
    json.dump(out, open(record, "w"))
    print(f"{stem}: AP {out['AP']:.4f}, MACs {out['macs'] / 1e6:.1f} M, {out['seconds']:.0f} s", flush=True)
    return out


def whole(a, name, model, data):
    record = os.path.join(a.output, f"{name}-whole.json")
    if os.path.exists(record):
        return json.load(open(record))
    score, _ = call([a.compress, "evaluate", *([model] if model else []), *data, "--format", "json", "--quiet"])
    cost, _ = call([a.compress, "inspect", *([model] if model else []), "--summary", "--format", "json", "--quiet"])
    out = dict(model=name, method="whole", target=1, label="", layers=0, parameters=cost["cost"]["parameters"],
               macs=cost["cost"]["macs"], AP=score["summary"]["AP"], file=model, proof=0, seconds=0)
    json.dump(out, open(record, "w"))
    return out


def table(a, rows, labels):
    groups = {}
    for r in rows:
        groups.setdefault((r["model"], r["target"], r["method"]), {})[r["label"]] = r
    firsts = [next(iter(found.values())) for found in groups.values()]
    times = latency(a, [r["file"] for r in firsts])
    bases = {r["model"]: (r, t) for r, t in zip(firsts, times) if r["method"] == "whole"}
    lines = ["| model | method | layers | MACs (M) | of all | parameters | of all | latency ms | speed-up | "
             + " | ".join(f"mAP {l}" for l in labels) + " |",
             "|---|---|---:|---:|---:|---:|---:|---:|---:|" + "---:|" * len(labels)]
    for found, first, time_ in zip(groups.values(), firsts, times):
        base, base_time = bases[first["model"]]
        values = [f"{found[l]['AP']:.4f}" if l in found else "" for l in labels]
        if first["method"] == "whole":
            values = [f"{first['AP']:.4f}"] + [""] * (len(labels) - 1)
        lines.append(
            f"| {first['model']} | {first['method']} | {first['layers'] or ''} | {first['macs'] / 1e6:.1f} | "
            f"{first['macs'] / base['macs']:.2f} | {first['parameters']:,} | "
            f"{first['parameters'] / base['parameters']:.2f} | {time_:.2f} | {base_time / time_:.2f} | "
            + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def scenes(a, name, model):
    """A detector of the embedded scenes: one-shot, and trained on with labels."""
    data = []
    if model:
        folder = os.path.join(a.output, "scenes")
        if not os.path.exists(folder):
            for part, images, first in (("train", 1200, 0), ("val", 300, 1000000)):
                subprocess.run([a.compress, "dataset", "synth", "--output", os.path.join(folder, part), "--images",
                                str(images), "--first", str(first), "--quiet"], check=True)
        data = ["--data", os.path.join(folder, "val"), "--train-data", os.path.join(folder, "train")]
    rows = [whole(a, name, model, data[:2])]
    labels = ["one-shot", f"after {a.epochs} epochs"]
    for target in a.targets or [0.7, 0.5]:
        for method in a.methods or ["spatial", "spatial, bn", "tucker", "cp", "separable", "sensitivity"]:
            for label, epochs in zip(labels, (0, a.epochs)):
                if label == "one-shot" and method == "spatial, bn":
                    continue
                rows.append(row(a, name, model, method, target,
                                [*data, "--epochs", str(epochs), "--lr", "0.002", "--calib-count", "64"], label))
    return rows, labels


def shared(a):
    rows, labels = [], ["one-shot", "recovered"]
    data = os.path.join(SHARED, "datasets")
    common = ["--data", os.path.join(data, "coco_val_128"), "--calib", os.path.join(data, "coco_train_128/images"),
              "--train-data", os.path.join(data, "coco_train_128"), "--batch", "8"]
    for name in a.models:
        model = os.path.join(SHARED, "models", name + ".onnx")
        rows.append(whole(a, name, model, common[:2]))
        for target in a.targets or [0.8]:
            for method in a.methods or ["spatial", "channel", "response", "tucker", "cp", "all", "sensitivity"]:
                for label in labels:
                    extra = ["--epochs", "0"] if label == "one-shot" else [
                        "--epochs", str(a.epochs), "--loss", "match", "--lr", "0.00005", "--freeze-bn"]
                    rows.append(row(a, name, model, method, target, common + extra, label))
    return rows, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["embedded", "model", "shared"])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--output", default="out/lowrank")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", nargs="+", choices=METHODS)
    parser.add_argument("--targets", nargs="+", type=float)
    parser.add_argument("--models", nargs="+", default=["yolo11n_dequant", "yolox_nano_416"])
    a = parser.parse_args()
    os.makedirs(a.output, exist_ok=True)
    if a.study == "shared":
        rows, labels = shared(a)
    else:
        name = os.path.splitext(os.path.basename(a.model))[0] if a.model else "default"
        rows, labels = scenes(a, name, a.model)
    text = table(a, [r for r in rows if r], labels)
    with open(os.path.join(a.output, f"{a.study}.md"), "w") as f:
        f.write(text)
    print(text)


if __name__ == "__main__":
    main()
