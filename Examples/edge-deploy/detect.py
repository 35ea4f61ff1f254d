"""Detects with ONNX Runtime what `compress` wrote for the board: python3 detect.py edge.onnx IMAGE; needs onnxruntime and pillow."""
import json, sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps

if len(sys.argv) != 3:
    sys.exit(__doc__)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
head = json.loads(session.get_modelmeta().custom_metadata_map["compress.head"])
side, bins = session.get_inputs()[0].shape[2], head["regMax"] + 1
image = Image.open(sys.argv[2]).convert("RGB")
scale = min(side / image.width, side / image.height)
pixels = ImageOps.pad(image, (side, side), Image.Resampling.BILINEAR, (head["preprocessing"]["pad"],) * 3)
maps = session.run(None, {session.get_inputs()[0].name: np.asarray(pixels, np.float32).transpose(2, 0, 1)[None] / 255})
found = []  # confidence, class, box
for stride, values in zip(head["strides"], maps):
    scores = 1 / (1 + np.exp(-values[0, 4 * bins:]))
    for name, y, x in np.argwhere(scores > 0.25):
        chances = np.exp(values[0, :4 * bins, y, x].reshape(4, bins))
        left, top, right, bottom = (chances / chances.sum(1, keepdims=True)) @ np.arange(bins)
        box = np.array([x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom]) * stride
        found.append((scores[name, y, x], name, (box - np.tile([side - image.width * scale, side - image.height * scale], 2) / 2) / scale))
kept = []
for score, name, box in sorted(found, key=lambda one: -one[0]):
    def overlap(other):
        inside = np.prod(np.maximum(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0))
        return inside / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - inside)
    if all(other[1] != name or overlap(other[2]) < head["iou"] for other in kept):
        kept.append((score, name, box))
        print(f"{head['classes'][name]} {score:.3f} at", *(f"{edge:.1f}" for edge in box))
