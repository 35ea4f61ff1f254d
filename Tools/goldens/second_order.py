#!/usr/bin/env python3
"""Writes Tests/Goldens/SecondOrder/layer.json: sparse weights of one layer, by NumPy in float64.

    python Tools/goldens/second_order.py

For each pattern the mask by the alternating direction method (Meng et al., 2024) and the exact least squares on it,
written from the papers alone; for single weights also the error of Optimal Brain Compression (Frantar and Alistarh,
2022), which removes one weight after the other. Needs numpy. Seed 11.
"""
import heapq
import json
import os

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TURNS, PENALTY, GROWTH, RIDGE = 60, 0.03, 1.08, 1e-3


def stays(t, pattern, kept, channels, kernel):
    rows = t.shape[0]
    size = np.abs(t).reshape(rows, channels, kernel)
    mask = np.zeros(size.shape, bool)
    if pattern == "none":
        order = np.argsort(-size.ravel(), kind="stable")[:kept]
        mask.ravel()[order] = True
    elif pattern == "2:4":
        for r in range(rows):
            for c in range(0, channels, 4):
                for k in range(kernel):
                    order = np.argsort(-size[r, c:c + 4, k], kind="stable")[:2]
                    mask[r, c + order, k] = True
    else:  # blocks of 2 outputs x 1 input
        blocks = [(r, c, k) for r in range(0, rows, 2) for c in range(channels) for k in range(kernel)]
        score = np.array([(size[r:r + 2, c, k] ** 2).sum() / len(size[r:r + 2]) for r, c, k in blocks])
        left = kept
        for b in np.argsort(-score, kind="stable"):
            if left <= 0:
                break
            r, c, k = blocks[b]
            mask[r:r + 2, c, k] = True
            left -= len(size[r:r + 2])
    return mask.reshape(t.shape)


def least_squares(h, g, mask, w0, ridge):
    w = np.zeros_like(w0)
    for r in range(len(w0)):
        s = np.flatnonzero(mask[r])
        w[r, s] = np.linalg.solve(h[np.ix_(s, s)] + ridge * np.eye(len(s)), g[r, s] + ridge * w0[r, s])
    return w


def search(h, g, w0, ridge, choose):
    scale = np.sqrt(np.diag(h) + ridge)
    system = (h + ridge * np.eye(len(h))) / np.outer(scale, scale)
    target = (g + ridge * w0) / scale
    rho, sparse, dual = PENALTY, w0 * scale, np.zeros_like(w0)
    for _ in range(TURNS):
        dense = np.linalg.solve(system + rho * np.eye(len(h)), (target + rho * sparse - dual).T).T
        t = dense + dual / rho
        mask = choose(t)
        sparse = np.where(mask, t, 0)
        dual += rho * (dense - sparse)
        rho *= GROWTH
    return mask


def one_by_one(h, g, w0, ridge, kept):
    """The mask of Optimal Brain Compression: the least increase of any row goes next."""
    inverse = np.linalg.inv(h + ridge * np.eye(len(h)))
    state = [(inverse.copy(), inverse @ (g[r] + ridge * w0[r])) for r in range(len(w0))]
    mask = np.ones(w0.shape, bool)

    def best(r):
        hi, w = state[r]
        left = np.flatnonzero(mask[r])
        costs = w[left] ** 2 / np.diag(hi)[left]
        at = costs.argmin()
        return costs[at], r, left[at]

    queue = [best(r) for r in range(len(w0))]
    heapq.heapify(queue)
    for _ in range(w0.size - kept):
        _, r, p = heapq.heappop(queue)
        hi, w = state[r]
        w = w - hi[:, p] * (w[p] / hi[p, p])
        hi = hi - np.outer(hi[:, p], hi[p]) / hi[p, p]
        mask[r, p] = False
        w[p] = 0
        state[r] = hi, w
        if mask[r].any():
            heapq.heappush(queue, best(r))
    return mask


def main():
    random = np.random.default_rng(11)
    positions, channels, kernel, outputs = 400, 8, 3, 6
    depth = channels * kernel
    x = np.maximum(random.standard_normal((positions, depth)) @ random.standard_normal((depth, depth)), 0)
    x = x.astype(np.float32)
    w = random.standard_normal((outputs, depth)).astype(np.float32)
    y = (x @ w.T + 3).astype(np.float32)
    xc, yc = (x - x.mean(0)).astype(np.float64), (y - y.mean(0)).astype(np.float64)
    h, g = xc.T @ xc / positions, yc.T @ xc / positions
    whole = (yc ** 2).sum() / positions
    w0 = w.astype(np.float64)
    ridge = RIDGE * np.trace(h) / depth
    kept = outputs * depth * 4 // 10
    cases = []
    for pattern in ("none", "2:4", "2x1"):
        mask = search(h, g, w0, ridge, lambda t: stays(t, pattern, kept, channels, kernel))
        fit = least_squares(h, g, mask, w0, ridge)
        error = (whole + np.einsum("rd,de,re->", fit, h, fit) - 2 * (fit * g).sum()) / whole
        cases.append({"pattern": pattern, "weights": fit.ravel().tolist(), "error": error})
    fit = least_squares(h, g, one_by_one(h, g, w0, ridge, kept), w0, ridge)
    error = (whole + np.einsum("rd,de,re->", fit, h, fit) - 2 * (fit * g).sum()) / whole
    folder = os.path.join(ROOT, "Tests/Goldens/SecondOrder")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "layer.json"), "w") as f:
        json.dump({"channels": channels, "kernel": kernel, "outputs": outputs, "kept": kept, "x": x.ravel().tolist(),
                   "y": y.ravel().tolist(), "w": w.ravel().tolist(), "cases": cases, "oneByOne": error}, f)
        f.write("\n")
    print([(c["pattern"], round(c["error"], 5)) for c in cases], "one by one", round(error, 5))


if __name__ == "__main__":
    main()
