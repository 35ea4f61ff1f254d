#!/usr/bin/env python3
"""Sparsity against mAP: one-shot magnitude pruning of every shared COCO detector, scored by our engine and,
for the written file, by ONNX Runtime with pycocotools (../shared/tools/reference_evaluate.py).

    make study
    .venv/bin/python Tools/study.py --sparsity 0.5,0.75 yolox_nano_416.onnx
"""
import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
DETECTORS = ["fastestdet_512_bn", "fastestdet_512_folded", "nanodet_m_320", "yolo11n_dequant", "yolo_fastest_1.1_bn",
             "yolo_fastest_1.1_xl_bn", "yolox_nano_416"]


def reference():
    path = os.path.join(SHARED, "tools", "reference_evaluate.py")
    spec = importlib.util.spec_from_file_location("reference_evaluate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digest(graph_file):
    import onnx
    from onnx import numpy_helper
    h = hashlib.sha256()
    for i in onnx.load(graph_file).graph.initializer:
        h.update(i.name.encode() + numpy_helper.to_array(i).tobytes())
    return h.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--sparsity", default="0,0.3,0.5,0.75,0.9")
    parser.add_argument("--scope", default="global")
    a = parser.parse_args()
    data = os.path.join(SHARED, "datasets", "coco_val_128")
    scorer = reference()
    models = [os.path.join(SHARED, "models", m if m.endswith(".onnx") else m + ".onnx") for m in a.models or DETECTORS]
    print(f"One-shot magnitude pruning, --scope {a.scope}, no fine-tuning, coco_val_128\n")
    print("| model | sparsity | zeros of prunable | mAP | AP50 | mAP in ONNX Runtime | file MB | gzip MB | .h5 MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            for sparsity in a.sparsity.split(","):
                out = os.path.join(folder, os.path.basename(model))
                compact = out.replace(".onnx", ".h5")
                run = subprocess.run([a.compress, "prune", model, "--sparsity", sparsity, "--scope", a.scope, "--data", data,
                                      "--output", out, "--format", "json", "--quiet"], capture_output=True, text=True)
                if run.returncode:
                    raise SystemExit(f"{model}: {run.stderr.strip()}")
                subprocess.run([a.compress, "convert", out, "--output", compact, "--quiet"], check=True,
                               stdout=subprocess.DEVNULL)
                result = json.loads(run.stdout)
                if float(sparsity) == 0 and digest(model) != digest(out):
                    raise SystemExit(f"{model}: sparsity 0 changed the weights")
                after = result["after"]
                peer = scorer.evaluate(out, data)[0]
                print(f"| {os.path.basename(model)} | {float(sparsity):g} | {result['sparsity']:.4f} | "
                      f"{after['accuracy']['AP']:.4f} | {after['accuracy']['AP50']:.4f} | {peer:.4f} | "
                      f"{after['fileBytes'] / 1e6:.2f} | {after['gzipBytes'] / 1e6:.2f} | "
                      f"{os.path.getsize(compact) / 1e6:.2f} |", flush=True)


if __name__ == "__main__":
    main()
