#!/usr/bin/env python3
"""How much the mAP of a model that quantises its activations as it runs means: ONNX Runtime's score on inputs that
differ in their last bits.

    .venv/bin/python Tools/quantised_spread.py

Scales every input by 1 + k * 2^-23 for k = 0 ... 4 and scores the model as ../shared/tools/reference_evaluate.py does.
"""
import contextlib
import importlib.util
import io
import os

import numpy as np
import onnxruntime as ort

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
MODEL = os.path.join(SHARED, "models", "yolo11n_int8.onnx")
scale = np.float32(1)


class Nudged(ort.InferenceSession):
    def run(self, names, feed, *rest):
        return super().run(names, {k: (v * scale).astype(v.dtype) for k, v in feed.items()}, *rest)


def main():
    global scale
    path = os.path.join(SHARED, "tools", "reference_evaluate.py")
    spec = importlib.util.spec_from_file_location("reference_evaluate", path)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    ort.set_default_logger_severity(3)
    ort.InferenceSession = Nudged
    print("| input scaled by | mAP | AP50 |\n|---|---:|---:|")
    for k in range(5):
        scale = np.float32(1 + k * 2.0**-23)
        with contextlib.redirect_stdout(io.StringIO()):
            stats = scorer.evaluate(MODEL, os.path.join(SHARED, "datasets", "coco_val_128"))
        print(f"| 1 + {k}·2⁻²³ | {stats[0]:.4f} | {stats[1]:.4f} |", flush=True)


if __name__ == "__main__":
    main()
