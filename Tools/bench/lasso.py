#!/usr/bin/env python3
"""Times LASSO channel selection and least-squares reconstruction of one layer against scikit-learn
and NumPy.

    python Tools/bench/lasso.py [--bench .build/benchmarks/release/lasso-bench]

A 3x3 layer of 128 input and 256 output channels, 5,000 positions of correlated non-negative
patches, half of the channels to keep. scikit-learn gets the design matrix, positions x outputs by channels,
whose making counts; of LassoLars (one path) and Lasso (bisection over alpha with warm starts) the
faster counts; numpy.linalg.lstsq refits.
"""
import json
import os
import sys
import tempfile
import time
import warnings

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LassoLars

from lib import places
from lib.command import call
from lib.table import Table


def layer(positions, channels, kernel, outputs, seed=0):
    random = np.random.default_rng(seed)
    mix = random.standard_normal((channels // 2, channels)) / np.sqrt(channels / 2)
    x = np.einsum("pck,cd->pdk", random.standard_normal((positions, channels // 2, kernel)), mix)
    x = np.maximum(x + 0.3 * random.standard_normal((positions, channels, kernel)), 0).astype(np.float32)
    x = x.reshape(positions, channels * kernel)
    w = (random.standard_normal((outputs, channels * kernel)) / np.sqrt(channels * kernel)).astype(np.float32)
    return x, (x @ w.T).astype(np.float32), w


def theirs(x, y, w, channels, keep):
    """Seconds of the faster selection with the refit, the kept channels and the relative error."""
    kernel = x.shape[1] // channels
    start = time.perf_counter()
    xc, yc = x - x.mean(0), y - y.mean(0)
    z = np.empty((x.shape[0], w.shape[0], channels), np.float32)
    for c in range(channels):
        part = slice(c * kernel, (c + 1) * kernel)
        z[:, :, c] = xc[:, part] @ w[:, part].T
    z, target = z.reshape(-1, channels), yc.ravel()
    made = time.perf_counter() - start

    start = time.perf_counter()
    path = LassoLars(alpha=0, fit_intercept=False, max_iter=500, fit_path=True).fit(z, target)
    counts = (path.coef_path_ != 0).sum(0)
    beta = path.coef_path_[:, np.argmax(counts >= keep)]
    lars = time.perf_counter() - start

    start = time.perf_counter()
    low, high = 0.0, float(np.abs(z.T @ target).max() / len(z))
    model = Lasso(alpha=high, fit_intercept=False, warm_start=True, precompute=False)
    for _ in range(20):
        model.alpha = (low + high) / 2
        model.fit(z, target)
        count = int((model.coef_ != 0).sum())
        if count == keep:
            break
        low, high = (model.alpha, high) if count > keep else (low, model.alpha)
    descent = time.perf_counter() - start

    kept = np.sort(np.argsort(-np.abs(beta))[:keep])
    start = time.perf_counter()
    places = (kept[:, None] * kernel + np.arange(kernel)).ravel()
    solution = np.linalg.lstsq(xc[:, places], yc, rcond=None)[0]
    refit = time.perf_counter() - start
    error = float(((yc - xc[:, places] @ solution) ** 2).sum() / (yc ** 2).sum())
    return dict(design=made, lars=lars, lasso=descent, lstsq=refit, seconds=made + min(lars, descent) + refit,
                kept=kept.tolist(), error=error)


def main():
    parser = places.parser(__doc__, "lasso-bench", "--bench")
    parser.add_argument("--positions", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    channels, kernel, outputs, keep = 128, 9, 256, 64
    x, y, w = layer(a.positions, channels, kernel, outputs)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, array in (("patches", x), ("responses", y), ("weights", w)):
            path = os.path.join(folder, name)
            array.tofile(path)
            files += [f"--{name}", path]
        ours = json.loads(call([a.bench, *files, "--channels", channels, "--outputs", outputs,
                                "--keep", keep, "--threads", a.threads]))
    peer = theirs(x, y, w, channels, keep)
    print(f"3x3 layer {channels} -> {outputs}, {a.positions} positions, {keep} channels kept, "
          f"{a.threads} threads\n")
    table = Table("lasso", [
        ("", ""), ("design matrix s", ".2f"), ("selection s", ""), ("least squares s", ".2f"),
        ("all s", ".3f"), ("relative error", ".5f")], a.save, 0)
    table.add("ours", None, None, None, ours["seconds"], ours["error"])
    table.add("scikit-learn, NumPy", peer["design"],
              f"LassoLars {peer['lars']:.2f}, Lasso {peer['lasso']:.2f}", peer["lstsq"],
              peer["seconds"], peer["error"])
    same = len(set(ours["kept"]) & set(peer["kept"]))
    print(f"\nratio {peer['seconds'] / ours['seconds']:.1f}; {len(ours['kept'])} and "
          f"{len(peer['kept'])} kept, {same} of them the same")


if __name__ == "__main__":
    main()
