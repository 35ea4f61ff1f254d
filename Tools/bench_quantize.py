#!/usr/bin/env python3
"""Time and peak memory of calibration by entropy over 128 images, against ONNX Runtime's, in turn.

    make bench
    .venv/bin/python Tools/bench_quantize.py [--compress PATH] [model names …]

Both quantise the model with the same images and preprocessing; a process each, its whole time and peak resident set.
"""
import argparse
import os
import sys
import tempfile
import time

import quantize_study as study

PEER = "import sys; sys.path.insert(0, {tools!r}); import quantize_study as s; s.peer(*sys.argv[1:])"


def run(command):
    """Seconds and peak bytes of a process."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: ended with {status}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["yolox_nano_416", "nanodet_m_320", "yolo11n_dequant"])
    parser.add_argument("--compress", default=os.path.join(study.ROOT, ".build/release/compress"))
    arguments = parser.parse_args()
    if not os.path.isdir(study.SHARED):
        sys.exit("../shared is absent: there are no models to calibrate")
    tools = os.path.dirname(os.path.abspath(__file__))
    print("| model | ours s | ONNX Runtime s | times as fast | our peak MB | ONNX Runtime's | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            out = os.path.join(folder, name + ".onnx")
            ours = run([arguments.compress, "quantize", study.model(name), "--calib", study.CALIBRATION, "--observer",
                        "entropy", "--max-damage", "inf", "--equalize", "none", "--bias-correction", "none", "--output", out, "--quiet"])
            theirs = run([sys.executable, "-c", PEER.format(tools=tools), name, "Entropy", out])
            print(f"| {name} | {ours[0]:.1f} | {theirs[0]:.1f} | {theirs[0] / ours[0]:.1f} | {ours[1] / 1e6:.0f} "
                  f"| {theirs[1] / 1e6:.0f} | {ours[1] / theirs[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
