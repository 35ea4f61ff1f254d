#!/usr/bin/env python3
"""Writes Tests/Goldens/Lasso/lasso.json: LASSO and least squares by scikit-learn and NumPy on a small layer.

    python Tools/goldens/lasso.py

Needs numpy and scikit-learn. Seed 7.
"""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
from sklearn.linear_model import Lasso

from lib.places import goldens


def main():
    random = np.random.default_rng(7)
    positions, channels, kernel, outputs = 60, 6, 4, 5
    mix = random.standard_normal((channels, channels))
    x = np.maximum(np.einsum("pck,cd->pdk", random.standard_normal((positions, channels, kernel)), mix), 0)
    x = x.reshape(positions, channels * kernel).astype(np.float32)
    w = random.standard_normal((outputs, channels * kernel)).astype(np.float32)
    y = (x @ w.T + 0.1 * random.standard_normal((positions, outputs))).astype(np.float32)
    xc = (x - x.mean(0)).astype(np.float64)
    yc = (y - y.mean(0)).astype(np.float64)
    z = np.stack([
        (xc[:, c * kernel:(c + 1) * kernel] @ w[:, c * kernel:(c + 1) * kernel].T.astype(np.float64)).ravel()
        for c in range(channels)], axis=1)
    n = z.shape[0]
    paths = []
    scale = np.abs(z.T @ yc.ravel()).max()
    for share in (0.02, 0.1, 0.3, 0.6):
        penalty = share * scale
        model = Lasso(alpha=penalty / n, fit_intercept=False, tol=1e-12, max_iter=100000).fit(z, yc.ravel())
        paths.append({"penalty": penalty, "beta": model.coef_.tolist()})
    kept = [0, 2, 3]
    places = [c * kernel + k for c in kept for k in range(kernel)]
    solution = np.linalg.lstsq(xc[:, places], yc, rcond=None)[0].T
    error = ((yc - xc[:, places] @ solution.T) ** 2).sum() / (yc ** 2).sum()
    with open(os.path.join(goldens("Lasso"), "lasso.json"), "w") as f:
        json.dump({
            "channels": channels, "kernel": kernel, "outputs": outputs, "x": x.ravel().tolist(),
            "y": y.ravel().tolist(), "w": w.ravel().tolist(), "gram": (z.T @ z).ravel().tolist(), "paths": paths,
            "kept": kept, "solution": solution.ravel().tolist(), "error": error}, f)
        f.write("\n")


if __name__ == "__main__":
    main()
