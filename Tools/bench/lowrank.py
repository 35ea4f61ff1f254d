#!/usr/bin/env python3
"""Times decompositions of one filter bank against TensorLy and NumPy.

    python Tools/bench/lowrank.py [--bench .build/benchmarks/release/lowrank-bench]

A 256 x 128 x 3 x 3 filter bank, low-rank structure under noise. CP of rank 64, 100 sweeps of
alternating least squares from the singular vectors, against tensorly.decomposition.parafac with the
same; the SVD of its 256 x 1152 unfolding against numpy.linalg.svd in float32, each with the numbers
of threads in turn and the fastest counting. Engines take turns; medians count.
"""
import json
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import places
from lib.command import call
from lib.processes import fresh
from lib.table import Table

SHAPE = (256, 128, 3, 3)
COLUMNS = [("", ""), ("ours s", ".4f"), ("theirs s", ".4f"), ("times as fast", ".1f"),
           ("our error", ".6f"), ("their error", ".6f")]


def filters(seed=0):
    import numpy as np
    random = np.random.default_rng(seed)
    factors = [random.standard_normal((extent, 48)) for extent in SHAPE]
    low = np.einsum("or,ir,yr,xr->oiyx", *factors)
    noise = random.standard_normal(SHAPE)
    return (low / low.std() + noise).astype(np.float32)


def theirs(path, what, runs):
    """Decomposes in this process: the median seconds and the relative error."""
    import numpy as np
    w = np.fromfile(path, np.float32).reshape(SHAPE)
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
            _, s, _ = np.linalg.svd(w.reshape(w.shape[0], -1), full_matrices=False)
            times.append(time.perf_counter() - start)
            squares = s.astype(float) ** 2
            error = float(np.sqrt(squares[64:].sum() / squares.sum()))
    return dict(seconds=sorted(times)[len(times) // 2], error=error)


def middle(rows, key):
    return statistics.median(row[key] for row in rows)


def main():
    parser = places.parser(__doc__, "lowrank-bench", "--bench")
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "w.bin")
        filters().tofile(path)
        ours, peers = [], {"cp": {1: [], 2: []}, "svd": {1: [], 2: []}}
        for _ in range(a.rounds):
            ours.append(json.loads(call([a.bench, "--weights", path, "--shape",
                                         ",".join(map(str, SHAPE)), "--runs", 5])))
            for threads in (1, 2):
                limit = dict(OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
                for key, runs in (("cp", 1), ("svd", 9)):
                    peers[key][threads].append(fresh(theirs, path, key, runs, **limit))
    table = Table("decompositions", COLUMNS, a.save, 0)
    for name, key in (("CP, rank 64, 100 sweeps: TensorLy", "cp"), ("SVD: NumPy", "svd")):
        rows = min(peers[key].values(), key=lambda rows: middle(rows, "seconds"))
        mine, peer = middle(ours, key + "Seconds"), middle(rows, "seconds")
        table.add(name, mine, peer, peer / mine, middle(ours, key + "Error"), middle(rows, "error"))


if __name__ == "__main__":
    main()
