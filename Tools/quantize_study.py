#!/usr/bin/env python3
"""INT8 on the shared detectors: observers, schemes, ONNX Runtime's own quantisation, and the speed of both.

    .venv/bin/python Tools/quantize_study.py [--compress PATH] [--models a,b] [--variants "default;minmax;…"] [--skip-peer]

Prints Markdown tables. Calibration: coco_train_128; scores: coco_val_128. Models are written to a temporary folder.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
CALIBRATION = os.path.join(SHARED, "datasets", "coco_train_128")
SCORED = os.path.join(SHARED, "datasets", "coco_val_128")
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
    "4-bit weights, fine-tuned": ["--weight-bits", "4", "--max-damage", "inf", "--finetune", "4", "--batch", "8", "--loss",
                                  "match", "--train-data", CALIBRATION],
    "data-free": ["--data-free"],
    "drawn images": ["--calib", "dead-leaves"],
    "data-free, per-tensor": ["--data-free", "--per-tensor"],
}
PEERS = ["MinMax", "Entropy", "Percentile"]


def model(name):
    return os.path.join(SHARED, "models", name + ".onnx")


def quantize(compress, name, options, output, threads=2):
    images = [] if "--calib" in options or "--data-free" in options else ["--calib", CALIBRATION]
    command = [compress, "quantize", model(name), "--data", SCORED, "--output", output, "--format", "json",
               "--quiet", "--threads", str(threads)] + images + options
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def peer(name, method, output):
    """ONNX Runtime's quantize_static of the same model, images and preprocessing."""
    import onnx
    from onnx import version_converter
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from PIL import Image
    sys.path.insert(0, os.path.join(SHARED, "tools"))
    import reference_evaluate as reference
    graph = onnx.load(model(name))
    constants = {c.name for c in graph.graph.initializer}
    inputs = [i for i in graph.graph.input if i.name not in constants]
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    if graph.opset_import[0].version < 13:
        graph = version_converter.convert_version(graph, 13)
    prepared = output + ".prepared.onnx"
    onnx.save(graph, prepared)
    quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
    entry = ort.InferenceSession(prepared, providers=["CPUExecutionProvider"]).get_inputs()[0]
    settings = next(v for k, v in reference.SETTINGS.items() if name.startswith(k))
    folder = os.path.join(CALIBRATION, "images")

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.files = iter(sorted(os.listdir(folder)))

        def get_next(self):
            file = next(self.files, None)
            if file is None:
                return None
            image = Image.open(os.path.join(folder, file)).convert("RGB")
            return {entry.name: reference.preprocess(image, entry.shape[2:], settings)[0]}

    start = time.time()
    quantize_static(prepared, output, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=getattr(CalibrationMethod, method))
    return time.time() - start


def session_peer(path, threads):
    """A function that times runs of a file in ONNX Runtime: the median, in milliseconds."""
    import numpy as np
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    feed = {entry.name: np.random.default_rng(0).random(entry.shape, dtype=np.float32)}

    def median(runs=20):
        times = []
        for index in range(runs + 5):
            start = time.perf_counter()
            session.run(None, feed)
            if index >= 5:
                times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times)
    return median


def latency(compress, path, threads):
    done = subprocess.run([compress, "benchmark", path, "--threads", str(threads), "--format", "json"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["latency"]["median"]


def speeds(compress, name, own, theirs, threads, rounds):
    """Medians over rounds in which all take turns, and medians of the ratios within a round."""
    peers = [session_peer(path, threads) for path in (model(name), theirs, own)]
    found = [[peer() for peer in peers] + [latency(compress, path, threads) for path in (model(name), own)]
             for _ in range(rounds)]
    times = [statistics.median(column) for column in zip(*found)]

    def ratio(over, under):
        return statistics.median(row[over] / row[under] for row in found)
    return (f"{times[0]:.2f} | {times[1]:.2f} | {times[2]:.2f} | {ratio(2, 1):.2f} | {ratio(2, 0):.2f} | {times[3]:.2f} "
            f"| {times[4]:.2f} | {ratio(3, 4):.2f} | {ratio(4, 1):.2f}")


def score(path):
    sys.path.insert(0, os.path.join(SHARED, "tools"))
    import reference_evaluate as reference
    try:
        return reference.evaluate(path, SCORED)[0]
    except IndexError:  # pycocotools refuses an empty list: nothing was detected
        return 0.0


def exact(compress, path, threads):
    """AP in the integers of `compress`, which saturate on no CPU; those of ONNX Runtime do without VNNI."""
    done = subprocess.run([compress, "evaluate", path, "--data", SCORED, "--format", "json", "--quiet", "--threads", str(threads)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["summary"]["AP"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--variants", default=";".join(VARIANTS))
    parser.add_argument("--threads", type=int, default=2, help="of compress, but for latencies")
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--skip-own", action="store_true", help="leave out compress: the table of its peer alone")
    parser.add_argument("--rounds", type=int, default=5, help="of latencies, in which all engines take turns")
    parser.add_argument("--skip-speed", action="store_true", help="of the peer's files, score them only")
    arguments = parser.parse_args()
    models, variants = arguments.models.split(","), arguments.variants.split(";")
    if arguments.skip_own:
        variants = []
    with tempfile.TemporaryDirectory() as folder:
        print("| model | variant | AP float | AP INT8 | change | layers | file | calibration (s) |")
        print("|---|---|---|---|---|---|---|---|")
        for name in models:
            for variant in variants:
                result = quantize(arguments.compress, name, VARIANTS[variant],
                                  os.path.join(folder, name + "." + variant + ".onnx"), arguments.threads)
                before, after = result["before"], result["after"]
                ap = before["accuracy"]["AP"], after["accuracy"]["AP"]
                print(f"| {name} | {variant} | {ap[0]:.4f} | {ap[1]:.4f} | {ap[1] - ap[0]:+.4f} "
                      f"| {result['layers']} of {result['allLayers']} | × {after['fileBytes'] / before['fileBytes']:.2f} "
                      f"| {result['calibrationSeconds']:.1f} |", flush=True)
        if arguments.skip_peer:
            return
        kinds = [f"quantize_static, {method}" for method in PEERS] + (["our default"] if "default" in variants else [])
        print("\nAP in ONNX Runtime / in compress:\n\n| model | " + " | ".join(kinds) + " |")
        print("|---|" + "---|" * len(kinds))
        for name in models:
            own = os.path.join(folder, f"{name}.default.onnx")
            found = []
            for method in PEERS:
                peer(name, method, os.path.join(folder, f"{name}.{method}.onnx"))
                found.append(os.path.join(folder, f"{name}.{method}.onnx"))
            found += [own] if os.path.exists(own) else []
            cells = [f"{score(path):.4f} / {exact(arguments.compress, path, arguments.threads):.4f}" for path in found]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        if arguments.skip_speed:
            return
        print("\n| model | threads | ONNX Runtime: FP32 (ms) | its INT8 | our file | ours / its | ours / FP32 "
              "| compress: FP32 (ms) | INT8 | FP32 / INT8 | INT8 / ONNX Runtime's |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for name in models:
            own, theirs = (os.path.join(folder, f"{name}.{kind}.onnx") for kind in ("default", "MinMax"))
            if not os.path.exists(own):
                continue
            for threads in (1, 2):
                print(f"| {name} | {threads} | {speeds(arguments.compress, name, own, theirs, threads, arguments.rounds)} |",
                      flush=True)


if __name__ == "__main__":
    main()
