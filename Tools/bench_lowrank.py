#!/usr/bin/env python3
"""Times decompositions of one filter bank against TensorLy and NumPy.

    python Tools/bench_lowrank.py [--bench .build/release/lowrank-bench]

A 256 x 128 x 3 x 3 filter bank, low-rank structure under noise. CP of rank 64, 100 sweeps of alternating least squares
from the singular vectors, against tensorly.decomposition.parafac with the same; the SVD of its 256 x 1152 unfolding
against numpy.linalg.svd in float32, each with the numbers of threads in turn and the fastest counting. Engines take
turns; medians count.
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
SHAPE = (256, 128, 3, 3)

THEIRS = """
import json, sys, time
import numpy as np
w = np.fromfile(sys.argv[1], np.float32).reshape(%r)
what, runs = sys.argv[2], int(sys.argv[3])
times = []
for _ in range(runs):
    if what == "cp":
        import tensorly as tl
        from tensorly.decomposition import parafac
        start = time.perf_counter()
        cp = parafac(w, rank=64, n_iter_max=100, init="svd", tol=0, random_state=0)
        times.append(time.perf_counter() - start)
        error = float(np.linalg.norm(tl.cp_to_tensor(cp) - w) / np.linalg.norm(w))
    else:
        start = time.perf_counter()
        u, s, v = np.linalg.svd(w.reshape(w.shape[0], -1), full_matrices=False)
        times.append(time.perf_counter() - start)
        error = float(np.sqrt((s[64:].astype(float) ** 2).sum() / (s.astype(float) ** 2).sum()))
print(json.dumps(dict(seconds=sorted(times)[len(times) // 2], error=error)))
""" % (SHAPE,)


def filters(seed=0):
    import numpy as np
    random = np.random.default_rng(seed)
    factors = [random.standard_normal((extent, 48)) for extent in SHAPE]
    low = np.einsum("or,ir,yr,xr->oiyx", *factors)
    noise = random.standard_normal(SHAPE)
    return (low / low.std() + noise).astype(np.float32)


def theirs(path, what, runs, threads):
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    run = subprocess.run([sys.executable, "-c", THEIRS, path, what, str(runs)], capture_output=True, text=True, env=env)
    if run.returncode:
        sys.exit(run.stderr)
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=os.path.join(ROOT, ".build/release/lowrank-bench"))
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "w.bin")
        filters().tofile(path)
        ours, cp, svd = [], {1: [], 2: []}, {1: [], 2: []}
        for _ in range(a.rounds):
            run = subprocess.run([a.bench, "--weights", path, "--shape", ",".join(map(str, SHAPE)), "--runs", "5"],
                                 capture_output=True, text=True, check=True)
            ours.append(json.loads(run.stdout))
            for threads in (1, 2):
                cp[threads].append(theirs(path, "cp", 1, threads))
                svd[threads].append(theirs(path, "svd", 9, threads))
    middle = lambda rows, key: statistics.median(r[key] for r in rows)
    best = lambda table: min(table.values(), key=lambda rows: middle(rows, "seconds"))
    print("| | ours s | theirs s | times as fast | our error | their error |\n|---|---:|---:|---:|---:|---:|")
    for name, peer, key in (("CP, rank 64, 100 sweeps: TensorLy", cp, "cp"), ("SVD: NumPy", svd, "svd")):
        rows = best(peer)
        t, p = middle(ours, key + "Seconds"), middle(rows, "seconds")
        print(f"| {name} | {t:.4f} | {p:.4f} | {p / t:.1f} | {middle(ours, key + 'Error'):.6f} | "
              f"{middle(rows, 'error'):.6f} |")


if __name__ == "__main__":
    main()
