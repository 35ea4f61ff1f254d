#!/usr/bin/env python3
"""Goldens for images and detection metrics: small encoded images with the pixels Pillow reads from them, data sets of boxes
with the numbers pycocotools and an independent Pascal VOC evaluation give.

    pip install numpy pillow pycocotools opencv-python-headless simplejpeg
    python3 make_detection_goldens.py

Writes Tests/Goldens/Detection/. Everything is synthetic and seeded.
"""
import base64
import contextlib
import io
import json
import os
import struct
import sys
import zlib

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import cv2
import numpy as np
import simplejpeg
from PIL import Image, PngImagePlugin
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from lib.places import goldens

FOLDER = goldens("Detection")
SEED = 20240229


def text(data):
    return base64.b64encode(bytes(data)).decode()


def write(name, value):
    with open(os.path.join(FOLDER, name), "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


# Images


def scene(width, height, rng):
    """A smooth colour gradient with a few hard edges and a little noise, [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), 128 + 60 * np.sin(x / 3)], -1)
    image[height // 3 : height // 2, width // 4 : width // 2] = [250, 20, 40]
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, colour, depth, interlaced=False, before_data=()):
    """A PNG file from samples [height, width, channels] by the format's specification; filter type 0 throughout."""
    height, width, channels = samples.shape

    def rows(part):
        result = b""
        for row in part:
            if depth == 16:
                result += b"\0" + row.astype(">u2").tobytes()
            elif depth == 8:
                result += b"\0" + row.astype(np.uint8).tobytes()
            else:
                bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
                result += b"\0" + np.packbits(bits.reshape(-1)).tobytes()
        return result

    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        data = b"".join(rows(p) for p in parts if p.size)
    else:
        data = rows(samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(k, d) for k, d in before_data)
            + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def images():
    rng = np.random.default_rng(SEED)
    cases = []

    def add(name, data, pixels=None):
        image = Image.open(io.BytesIO(data))
        expected = np.asarray(image.convert("RGB")) if pixels is None else pixels
        cases.append(dict(name=name, width=expected.shape[1], height=expected.shape[0], file=text(data),
                          pixels=text(expected.astype(np.uint8).tobytes())))

    rgb = scene(21, 19, rng)
    picture = Image.fromarray(rgb)
    for sampling in ["4:4:4", "4:2:2", "4:2:0"]:
        add(f"jpeg {sampling}", jpeg(picture, quality=90, subsampling=sampling))
    for sampling in ["440", "411"]:
        add(f"jpeg {sampling[0]}:{sampling[1]}:{sampling[2]}",
            simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), quality=90, colorspace="RGB", colorsubsampling=sampling))
    add("jpeg progressive", jpeg(picture, quality=85, progressive=True, subsampling="4:2:0"))
    add("jpeg grey", jpeg(picture.convert("L"), quality=90))
    add("jpeg CMYK", jpeg(picture.convert("CMYK"), quality=90))
    add("jpeg RGB stored as RGB", jpeg(picture, quality=90, keep_rgb=True))
    add("jpeg restart markers", jpeg(picture, quality=90, restart_marker_blocks=1))
    exif = Image.Exif()
    exif[0x0112] = 6
    add("jpeg EXIF orientation 6", jpeg(picture, quality=90, exif=exif))
    add("jpeg 1x1", jpeg(picture.crop((3, 3, 4, 4)), quality=90))

    grey = rng.integers(0, 65536, (7, 11, 1))
    for depth in [1, 2, 4, 8]:
        for interlaced in [False, True]:
            suffix = " interlaced" if interlaced else ""
            add(f"png grey {depth}{suffix}", png(grey >> (16 - depth), 0, depth, interlaced))
            palette = rng.integers(0, 256, (2 ** min(depth, 4), 3)).astype(np.uint8)
            indices = rng.integers(0, len(palette), (7, 11, 1))
            add(f"png palette {depth}{suffix}",
                png(indices, 3, depth, interlaced, [(b"PLTE", palette.tobytes())]))
    # Pillow clips 16-bit grey; OpenCV keeps the upper byte, which is what a picture needs.
    data = png(grey, 0, 16)
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    add("png grey 16 (OpenCV)", data, bgr[:, :, ::-1])
    colour = rng.integers(0, 65536, (9, 6, 4))
    for depth in [8, 16]:
        values = colour >> (16 - depth)
        for interlaced in [False, True]:
            suffix = " interlaced" if interlaced else ""
            add(f"png RGB {depth}{suffix}", png(values[:, :, :3], 2, depth, interlaced))
            add(f"png RGBA {depth}{suffix}", png(values, 6, depth, interlaced))
    add("png grey and alpha 8", png((colour >> 8)[:, :, :2], 4, 8))
    add("png palette with tRNS",
        png(rng.integers(0, 4, (5, 5, 1)), 3, 2,
            before_data=[(b"PLTE", bytes(range(12))), (b"tRNS", bytes([0, 128, 255, 7]))]))
    add("png grey with tRNS", png(grey >> 8, 0, 8, before_data=[(b"tRNS", struct.pack(">H", int(grey[0, 0, 0] >> 8)))]))
    add("png RGB with tRNS", png((colour >> 8)[:, :, :3], 2, 8, before_data=[(b"tRNS", struct.pack(">HHH", 1, 2, 3))]))
    add("png with gamma", png((colour >> 8)[:, :, :3], 2, 8, before_data=[(b"gAMA", struct.pack(">I", 100000))]))
    add("png with profile and text",
        png((colour >> 8)[:, :, :3], 2, 8,
            before_data=[(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")), (b"tEXt", b"Comment\0hello")]))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=9)
    add("png with filters", buffer.getvalue())
    write("images.json", dict(cases=cases))


def resampling():
    rng = np.random.default_rng(SEED + 1)
    cases = []
    for (w, h), (to_w, to_h) in [((23, 17), (8, 8)), ((5, 7), (20, 16)), ((16, 9), (9, 16)), ((1, 1), (4, 3)),
                                 ((64, 3), (7, 3)), ((13, 29), (1, 1))]:
        source = scene(w, h, rng)
        result = np.asarray(Image.fromarray(source).resize((to_w, to_h), Image.BILINEAR))
        cases.append(dict(width=w, height=h, pixels=text(source.tobytes()), toWidth=to_w, toHeight=to_h,
                          expected=text(result.tobytes())))
    write("resampling.json", dict(cases=cases))


# Detection metrics

NAMES = ["AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR_1", "AR_10", "AR_100", "AR_S", "AR_M", "AR_L"]


def coco_score(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        if results:
            found = coco.loadRes(json.loads(json.dumps(results)))
        else:
            found = COCO()
            found.dataset = dict(images=truth["images"], categories=truth["categories"], annotations=[])
            found.createIndex()
        score = COCOeval(coco, found, "bbox")
        score.evaluate()
        score.accumulate()
        score.summarize()
    precision, recall = score.eval["precision"], score.eval["recall"]

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else -1.0

    classes = [dict(id=int(c), ap=mean(precision[:, :, k, 0, 2]), ap50=mean(precision[0, :, k, 0, 2]),
                    ar100=mean(recall[:, k, 0, 2])) for k, c in enumerate(score.params.catIds)]
    return dict(summary=dict(zip(NAMES, map(float, score.stats))), classes=classes)


def voc_score(truth, results, variant):
    """The development kit's VOCevaldet in plain Python; boxes are inclusive pixel ranges, difficult objects do not count."""
    answer = {}
    for category in truth["categories"]:
        labels = {}
        count = 0
        for a in truth["annotations"]:
            if a["category_id"] != category["id"]:
                continue
            hard = bool(a.get("difficult") or a.get("iscrowd"))
            labels.setdefault(a["image_id"], []).append(dict(box=a["bbox"], hard=hard, used=False))
            count += not hard
        if count == 0:
            answer[category["name"]] = None
            continue
        mine = [r for r in results if r["category_id"] == category["id"]]
        order = np.argsort([-r["score"] for r in mine], kind="stable") if mine else []
        tp, fp = [], []
        for i in order:
            x, y, w, h = mine[i]["bbox"]
            best, chosen = -np.inf, None
            for label in labels.get(mine[i]["image_id"], []):
                gx, gy, gw, gh = label["box"]
                iw = min(x + w, gx + gw) - max(x, gx) + 1
                ih = min(y + h, gy + gh) - max(y, gy) + 1
                if iw > 0 and ih > 0:
                    overlap = iw * ih / ((w + 1) * (h + 1) + (gw + 1) * (gh + 1) - iw * ih)
                    if overlap > best:
                        best, chosen = overlap, label
            if best >= 0.5:
                if chosen["hard"]:
                    tp.append(0), fp.append(0)
                elif not chosen["used"]:
                    chosen["used"] = True
                    tp.append(1), fp.append(0)
                else:
                    tp.append(0), fp.append(1)
            else:
                tp.append(0), fp.append(1)
        tp, fp = np.cumsum(tp), np.cumsum(fp)
        recall, precision = tp / count, tp / np.maximum(tp + fp, 1e-300)
        if variant == "11-point":
            value = sum(max([0.0] + [p for r, p in zip(recall, precision) if r >= t - 1e-12])
                        for t in np.arange(11) / 10) / 11
        else:
            r = np.concatenate([[0.0], recall, [1.0]])
            p = np.concatenate([[0.0], precision, [0.0]])
            for k in range(len(p) - 2, -1, -1):
                p[k] = max(p[k], p[k + 1])
            value = float(np.sum((r[1:] - r[:-1]) * p[1:]))
        answer[category["name"]] = float(value)
    return answer


def boxes(rng, images=12, categories=(1, 3, 7), per_image=6, crowd=0.15, difficult=0.0, ties=False, extra=25,
          empty_images=2, empty_class=True, first_id=1):
    """Labels, and detections that move, miss, repeat and invent them."""
    truth = dict(images=[dict(id=10 * i + 3, width=640, height=480, file_name=f"{i}.png") for i in range(images)],
                 categories=[dict(id=c, name=f"c{c}") for c in categories], annotations=[])
    if empty_class:
        truth["categories"].append(dict(id=90, name="never"))
    results = []
    number = first_id
    for image in truth["images"][: images - empty_images]:
        for _ in range(int(rng.integers(0, per_image + 1))):
            size = float(rng.choice([12, 30, 60, 90, 150, 300])) * rng.uniform(0.7, 1.3)
            w, h = size * rng.uniform(0.6, 1.4), size * rng.uniform(0.6, 1.4)
            x, y = rng.uniform(0, 600), rng.uniform(0, 440)
            category = int(rng.choice(categories))
            box = [round(float(v), 2) for v in (x, y, w, h)]
            is_crowd = int(rng.random() < crowd)
            area = round(box[2] * box[3] * float(rng.uniform(0.5, 1)), 3)
            annotation = dict(id=number, image_id=image["id"], category_id=category, bbox=box, area=area, iscrowd=is_crowd)
            if difficult:
                annotation["difficult"] = int(rng.random() < difficult)
            truth["annotations"].append(annotation)
            number += 1
            for _ in range(int(rng.integers(0, 4))):
                jitter = rng.normal(0, 0.12, 4) * [w, h, w, h]
                moved = [round(float(v), 2) for v in np.array([x, y, w, h]) + jitter]
                moved[2:] = [max(v, 1.0) for v in moved[2:]]
                label = category if rng.random() < 0.85 else int(rng.choice(categories))
                results.append(dict(image_id=image["id"], category_id=label, bbox=moved, score=float(rng.uniform(0.05, 1))))
    for _ in range(extra):
        image = truth["images"][int(rng.integers(0, images))]
        label = int(rng.choice(list(categories) + ([90] if empty_class else [])))
        results.append(dict(image_id=image["id"], category_id=label,
                            bbox=[round(float(v), 2) for v in (*rng.uniform(0, 500, 2), *rng.uniform(5, 200, 2))],
                            score=float(rng.uniform(0, 1))))
    order = rng.permutation(len(results))
    results = [results[i] for i in order]
    for r in results:
        r["score"] = round(r["score"] * 5) / 5 if ties else round(r["score"], 6)
    return truth, results


def metrics():
    cases = []

    def add(name, truth, results):
        cases.append(dict(name=name, truth=truth, results=results, coco=coco_score(truth, results),
                          voc={v: voc_score(truth, results, v) for v in ("11-point", "all-point")}))

    rng = np.random.default_rng(SEED + 2)
    add("distinct scores", *boxes(rng))
    add("score ties", *boxes(rng, ties=True))
    add("many crowds", *boxes(rng, crowd=0.6))
    add("no crowds, difficult objects", *boxes(rng, crowd=0, difficult=0.4))
    add("an annotation of id 0", *boxes(rng, first_id=0, images=4))
    truth, results = boxes(rng, images=2, empty_images=0, categories=(1,), per_image=30, extra=260, empty_class=False)
    add("more than 100 detections an image", truth, results)
    truth, results = boxes(rng, images=4)
    add("no detections", truth, [])
    add("detections without labels", dict(truth, annotations=[]), results)
    add("only crowds", dict(truth, annotations=[dict(a, iscrowd=1) for a in truth["annotations"]]), results)
    add("neither labels nor detections", dict(truth, annotations=[]), [])
    # Each detection is its label: every number is 1 where there are objects.
    exact = [dict(image_id=a["image_id"], category_id=a["category_id"], bbox=a["bbox"], score=0.5)
             for a in truth["annotations"] if not a["iscrowd"]]
    add("perfect detections", truth, exact)
    areas = dict(truth, annotations=[dict(a, area=v, iscrowd=0) for a, v in
                                     zip(truth["annotations"], [1024, 1024.001, 9216, 9216.5, 0, 1e10])])
    add("areas on the borders of the ranges", areas, results)
    write("metrics.json", dict(cases=cases))


if __name__ == "__main__":
    images()
    resampling()
    metrics()
