#!/usr/bin/env python3
"""Writes Tests/Goldens/Distillation/losses.json: distillation losses and their gradients by PyTorch's autograd.

    python Tools/goldens/distillation_losses.py

Needs torch. Every loss is written here anew from its paper's formula, in float64, on four images with maps of 4 × 4 and 2 × 2
cells; learned parts have weights that the file lists. Seed 11.
"""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import torch
import torch.nn.functional as F

from lib.places import goldens

N, CLASSES, BINS, SIZE = 4, 3, 4, 32
EXTENTS = [4, 2]
CHANNELS = [(5, 6), (4, 7)]
# As the test's fixture has them: left, top, right, bottom of the one object in each image.
BOXES = [(2.0 + 3 * i, 4.0, 16.0 + 3 * i, 21.0) for i in range(N)]


def draw(*shape, scale=2.0):
    return (torch.rand(*shape, dtype=torch.float64) * 2 - 1).mul(scale * 1e4).round() / 1e4


class Parts:
    """Weights of learned networks, in the order in which a loss lists them."""

    def __init__(self):
        self.parts = []

    def new(self):
        self.parts.append({})
        return self.parts[-1]

    @staticmethod
    def conv(part, name, out, inner, kernel=1, scale=0.5):
        part[name + ".weight"] = draw(out, inner, kernel, kernel, scale=scale)
        part[name + ".bias"] = draw(out, scale=0.2)

    @staticmethod
    def run(part, name, x):
        weight = part[name + ".weight"]
        return F.conv2d(x, weight, part[name + ".bias"], padding=weight.shape[-1] // 2)


def bridges(parts):
    result = []
    for own, other in CHANNELS:
        part = parts.new()
        parts.conv(part, "conv0", other, own)
        result.append(part)
    return lambda maps: [Parts.run(p, "conv0", x) for p, x in zip(result, maps)]


# Heads: maps [N, 4·B + C, H, W].

def cells(head):
    return [(m[:, :4 * BINS].reshape(N, 4, BINS, -1), m[:, 4 * BINS:].reshape(N, CLASSES, -1)) for m in head]


def confidences(head):
    return [scores.sigmoid().amax(1) for _, scores in cells(head)]


def total(teacher):
    return max(sum(c.sum() for c in confidences(teacher)), torch.tensor(float(N)))


def bernoulli(t, s):
    p, q = t.sigmoid(), s.sigmoid()
    return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()


def kd(s, t, temperature=3.0, foreground=2.0, background=0.5):
    loss = 0
    for extent, (_, own), (_, other) in zip(EXTENTS, cells(s), cells(t)):
        stride = SIZE // extent
        weights = torch.full((N, extent, extent), background, dtype=torch.float64)
        for i, (left, top, right, bottom) in enumerate(BOXES):
            for row in range(extent):
                for column in range(extent):
                    x, y = (column + 0.5) * stride, (row + 0.5) * stride
                    if left <= x <= right and top <= y <= bottom:
                        weights[i, row, column] = foreground
        loss = loss + (weights.reshape(N, 1, -1) * bernoulli(other / temperature, own / temperature)).sum()
    return temperature ** 2 * loss / total(t)


def ld(s, t, temperature=2.0):
    loss = 0
    for (own, _), (other, _), p in zip(cells(s), cells(t), confidences(t)):
        divergence = F.kl_div((own / temperature).log_softmax(2), (other / temperature).log_softmax(2),
                              reduction="none", log_target=True).sum(2)
        loss = loss + (p[:, None] * divergence).sum() / 4
    return temperature ** 2 * loss / total(t)


def tsd(s, t, count=3):
    loss = 0
    for (_, own), (_, other), p in zip(cells(s), cells(t), confidences(t)):
        order = other.argsort(1, descending=True)[:, :count]
        a, b = own.gather(1, order), other.gather(1, order)
        gap = (a[:, 0] - a[:, 1:].mean(1)) - (b[:, 0] - b[:, 1:].mean(1))
        loss = loss + (p * gap ** 2).sum() / 2
    return loss / total(t)


# Features: maps [N, C, H, W] at each point.

def over_points(one):
    return lambda s, t: sum(one(a, b) for a, b in zip(s, t))


def fitnet(parts):
    align = bridges(parts)
    return lambda s, t: sum(F.mse_loss(a, b) / 2 for a, b in zip(align(s), t))


def at(s, t):
    def q(x):
        return F.normalize(x.pow(2).sum(1).flatten(1))
    return (q(s) - q(t)).pow(2).sum(1).mean() / 2


def cwd(parts, temperature=4.0):
    align = bridges(parts)

    def one(s, t):
        a, b = (s.flatten(2) / temperature).log_softmax(2), (t.flatten(2) / temperature).log_softmax(2)
        return temperature ** 2 * F.kl_div(a, b, reduction="sum", log_target=True) / (s.shape[0] * s.shape[1])
    return lambda s, t: over_points(one)(align(s), t)


def pkd(parts):
    align = bridges(parts)

    def norm(x):
        x = x.transpose(0, 1).flatten(1)
        x = x - x.mean(1, keepdim=True)
        return x / (x.pow(2).mean(1, keepdim=True) + 1e-6).sqrt()
    return lambda s, t: sum(F.mse_loss(norm(a), norm(b)) / 2 for a, b in zip(align(s), t))


def fsp(parts):
    align = bridges(parts)

    def flow(maps):
        a, b = F.adaptive_max_pool2d(maps[0], maps[1].shape[2:]), maps[1]
        return torch.einsum("nihw,njhw->nij", a, b) / (b.shape[2] * b.shape[3])
    return lambda s, t: F.mse_loss(flow(align(s)), flow(t))


def nst(kind):
    def one(s, t):
        x, y = F.normalize(s.flatten(2), dim=2), F.normalize(t.flatten(2), dim=2)

        def products(a, b):
            return a @ b.transpose(1, 2)
        if kind == "linear":
            def kernel(a, b):
                return products(a, b).mean((1, 2))
        elif kind == "polynomial":
            def kernel(a, b):
                return products(a, b).pow(2).mean((1, 2))
        else:
            variance = torch.cdist(y, y).pow(2).mean((1, 2))[:, None, None]

            def kernel(a, b):
                return torch.exp(-(2 - 2 * products(a, b)) / (2 * variance)).mean((1, 2))
        return (kernel(y, y) + kernel(x, x) - 2 * kernel(x, y)).mean()
    return over_points(one)


def ft(parts):
    points = []
    for own, other in CHANNELS:
        factors = max(1, round(other * 0.5))
        paraphraser, encoder, translator = parts.new(), parts.new(), parts.new()
        parts.conv(encoder, "conv0", other, other, 3, 0.3)
        parts.conv(encoder, "conv2", factors, other, 3, 0.3)
        paraphraser.update(encoder)
        parts.conv(translator, "conv0", factors, own, 3, 0.3)
        parts.conv(translator, "conv2", factors, factors, 3, 0.3)
        points.append((encoder, translator))

    def factor(part, x):
        return F.normalize(Parts.run(part, "conv2", F.leaky_relu(Parts.run(part, "conv0", x), 0.1)).flatten(1))
    return lambda s, t: sum(
        (factor(tr, a) - factor(en, b)).abs().mean() for (en, tr), a, b in zip(points, s, t))


def mgd(parts):
    points = []
    for own, other in CHANNELS:
        part = parts.new()
        parts.conv(part, "conv0", other, own)
        parts.conv(part, "conv2", other, other, 3, 0.3)
        parts.conv(part, "conv4", other, other, 3, 0.3)
        points.append(part)

    def generate(part, x):
        return Parts.run(part, "conv4", F.relu(Parts.run(part, "conv2", Parts.run(part, "conv0", x))))
    return lambda s, t: sum(F.mse_loss(generate(p, a), b) for p, a, b in zip(points, s, t))


def fgd(parts, foreground=0.1, background=0.05, attention=0.02, relation=0.01, temperature=0.5):
    align = bridges(parts)
    blocks = []
    for _, channels in CHANNELS:
        pair = []
        for _ in range(2):
            part, hidden = parts.new(), max(channels // 2, 1)
            parts.conv(part, "conv0", 1, channels)
            parts.conv(part, "conv7", hidden, channels)
            part["norm.scale"], part["norm.shift"] = draw(hidden, scale=1.0), draw(hidden, scale=0.3)
            parts.conv(part, "conv12", channels, hidden)
            pair.append(part)
        blocks.append(pair)

    def context(part, x):
        shares = Parts.run(part, "conv0", x).flatten(2).softmax(2)
        y = torch.einsum("ncp,nop->nc", x.flatten(2), shares)[..., None, None]
        y = Parts.run(part, "conv7", y).flatten(1)
        y = F.relu(F.layer_norm(y, y.shape[1:], part["norm.scale"], part["norm.shift"]))
        return x + Parts.run(part, "conv12", y[..., None, None])

    def attentions(x):
        _, c, h, w = x.shape
        return (h * w * (x.abs().mean(1).flatten(1) / temperature).softmax(1),
                c * (x.abs().mean((2, 3)) / temperature).softmax(1))

    def mask(extent):
        stride = SIZE // extent
        result = torch.zeros(N, extent, extent, dtype=torch.float64)
        for i, box in enumerate(BOXES):
            left, top, right, bottom = (min(max(int(v // stride), 0), extent - 1) for v in box)
            share = 1 / ((bottom - top + 1) * (right - left + 1))
            inside = torch.zeros(extent, extent, dtype=torch.bool)
            inside[top:bottom + 1, left:right + 1] = True
            outside = max(int((~inside).sum()), 1)
            result[i] = torch.where(inside, foreground * share, background / outside)
        return result.flatten(1)

    def loss(s, t):
        value = 0
        for extent, (own, other), a, b in zip(EXTENTS, blocks, align(s), t):
            (cell, channel), (cell_t, channel_t) = attentions(a), attentions(b)
            weights = (mask(extent) * cell_t)[:, None] * channel_t[..., None]
            value = value + (weights * (a - b).flatten(2).pow(2)).sum() / N
            value = value + attention * ((cell - cell_t).abs().sum() + (channel - channel_t).abs().sum()) / N
            value = value + relation * (context(own, a) - context(other, b)).pow(2).sum() / N
        return value
    return loss


def pooled(maps):
    return [m.mean((2, 3)) for m in maps]


def distances(e):
    # The diagonal is kept off the root, whose slope is infinite there.
    squares = (e[:, None] - e[None]).pow(2).sum(2)
    eye = torch.eye(len(e), dtype=torch.bool)
    return squares.masked_fill(eye, 1).sqrt().masked_fill(eye, 0)


def rkd(s, t, distance=25.0, angle=50.0):
    value = 0
    for a, b in zip(pooled(s), pooled(t)):
        da, db = distances(a), distances(b)
        pairs = N * (N - 1)
        value = value + distance * F.smooth_l1_loss(da / (da.sum() / pairs), db / (db.sum() / pairs),
                                                    reduction="sum") / pairs

        def cosines(e):
            rays = F.normalize(e[None] - e[:, None], dim=2, eps=1e-12)
            return torch.einsum("vic,vkc->vik", rays, rays)
        value = value + angle * F.smooth_l1_loss(cosines(a), cosines(b))
    return value


def irg(parts, vertex=2.0, edge=3.0, transformation=4.0):
    align = bridges(parts)

    def edges(e):
        squares = (e[:, None] - e[None]).pow(2).sum(2)
        return squares / (squares.sum() / (N * (N - 1)))

    def loss(s, t):
        aligned = align([e[..., None, None] for e in pooled(s)])
        value = sum(vertex * F.mse_loss(a.flatten(1), b) for a, b in zip(aligned, pooled(t)))
        own, other = [edges(e) for e in pooled(s)], [edges(e) for e in pooled(t)]
        value = value + sum(edge * F.mse_loss(a, b) for a, b in zip(own, other))
        return value + transformation * F.mse_loss(own[1] - own[0], other[1] - other[0])
    return loss


def adversarial(parts, width=3):
    align = bridges(parts)
    points = []
    for _, channels in CHANNELS:
        part = parts.new()
        parts.conv(part, "conv0", width, channels)
        parts.conv(part, "conv2", width, width, 3)
        parts.conv(part, "conv4", 1, width)
        points.append(part)

    def judge(part, x):
        x = F.leaky_relu(Parts.run(part, "conv0", x), 0.2)
        return Parts.run(part, "conv4", F.leaky_relu(Parts.run(part, "conv2", x), 0.2))
    return lambda s, t: sum(F.softplus(-judge(p, a)).mean() for p, a in zip(points, align(s)))


def main():
    torch.manual_seed(11)
    head = [draw(N, 4 * BINS + CLASSES, e, e) for e in EXTENTS]
    head_t = [draw(N, 4 * BINS + CLASSES, e, e) for e in EXTENTS]
    features = [draw(N, own, e, e) for (own, _), e in zip(CHANNELS, EXTENTS)]
    features_t = [draw(N, other, e, e) for (_, other), e in zip(CHANNELS, EXTENTS)]
    heads = {
        "kd": (kd, {"temperature": 3, "foreground": 2, "background": 0.5}),
        "eskd": (lambda s, t: 0.5 * kd(s, t, 3.0, 1.0, 1.0), {"temperature": 3, "until": 0.5}),
        "ld": (ld, {"temperature": 2}), "tsd": (tsd, {"classes": 3}),
    }
    others = {
        "fitnet": (fitnet, {}), "at": (lambda _: over_points(at), {}), "cwd": (cwd, {"temperature": 4}),
        "pkd": (pkd, {}), "fsp": (fsp, {}), "nst": (lambda _: nst("polynomial"), {}),
        "nst-linear": (lambda _: nst("linear"), {}), "nst-gaussian": (lambda _: nst("gaussian"), {}),
        "ft": (ft, {"rate": 0.5}), "mgd": (mgd, {"hidden": 0}),
        "fgd": (fgd, {"foreground": 0.1, "background": 0.05, "attention": 0.02, "global": 0.01, "temperature": 0.5}),
        "rkd": (lambda _: rkd, {"distance": 25, "angle": 50}),
        "irg": (irg, {"vertex": 2, "edge": 3, "transformation": 4}),
        "adversarial": (adversarial, {"width": 3}),
    }
    cases = []
    for name, (make, settings) in {**heads, **others}.items():
        parts = Parts()
        loss = make if name in heads else make(parts)
        inputs = [x.clone().requires_grad_() for x in (head if name in heads else features)]
        value = loss(inputs, head_t if name in heads else features_t)
        value.backward()
        cases.append({
            "name": name, "settings": settings, "value": value.item(), "progress": 0.25 if name == "eskd" else 0,
            "gradient": [float(f"{g:.7g}") for x in inputs for g in x.grad.flatten().tolist()],
            "weights": [{k: v.flatten().tolist() for k, v in part.items()} for part in parts.parts],
        })
    golden = {"student": [x.flatten().tolist() for x in head + features],
              "teacher": [x.flatten().tolist() for x in head_t + features_t], "cases": cases}
    path = os.path.join(goldens("Distillation"), "losses.json")
    with open(path, "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    print(path, os.path.getsize(path), "bytes", torch.__version__)


if __name__ == "__main__":
    main()
