"""Decoders of the families' heads in plain NumPy, see head_decoders.py."""

import numpy as np

from goldens.family_networks import ANCHORS
from goldens.head_decoders import YOLO_ANCHORS_V2, sigmoid, softmax


def centred(label, score, cx, cy, w, h):
    return (label, score, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)


def rows(outputs, size):
    """Rows of centre, size, objectness and classes."""
    return [centred(label, row[4] * row[5 + label], *row[:4])
            for row in outputs["output"][0].astype(np.float64) for label in range(3)]


def yolov5_raw(outputs, size):
    found = []
    for stride, sizes in ANCHORS.items():
        x = sigmoid(outputs[f"map{stride}"][0]).reshape(3, 8, size // stride, size // stride)
        for anchor, (width, height) in enumerate(sizes):
            for row, column in np.ndindex(x.shape[2:]):
                v = x[anchor, :, row, column]
                box = ((2 * v[0] - 0.5 + column) * stride, (2 * v[1] - 0.5 + row) * stride,
                       (2 * v[2]) ** 2 * width, (2 * v[3]) ** 2 * height)
                found += [centred(label, v[4] * v[5 + label], *box) for label in range(3)]
    return found


def yolov8_decoded(outputs, size):
    return [centred(label, row[4 + label], *row[:4])
            for row in outputs["output"][0].T.astype(np.float64) for label in range(3)]


def distances(bins, scores, x, y, stride):
    l, t, r, b = [np.dot(softmax(side), np.arange(len(side))) * stride
                  for side in bins.reshape(4, -1)]
    return [(label, scores[label], x - l, y - t, x + r, y + b) for label in range(3)]


def yolov8_raw(outputs, size):
    found = []
    for stride in (8, 16, 32):
        x = outputs[f"map{stride}"][0].astype(np.float64)
        for row, column in np.ndindex(x.shape[1:]):
            found += distances(x[:64, row, column], sigmoid(x[64:, row, column]),
                               (column + 0.5) * stride, (row + 0.5) * stride, stride)
    return found


def yolox(outputs, size):
    found, at = [], 0
    table = outputs["output"][0].astype(np.float64)
    for stride in (8, 16, 32):
        side = size // stride
        for cell in range(side * side):
            v = table[at + cell]
            box = ((v[0] + cell % side) * stride, (v[1] + cell // side) * stride,
                   np.exp(v[2]) * stride, np.exp(v[3]) * stride)
            found += [centred(label, v[4] * v[5 + label], *box) for label in range(3)]
        at += side * side
    return found


def nanodet(outputs, size):
    found = []
    for stride in (8, 16, 32):
        scores = outputs[f"cls_pred_stride_{stride}"][0]
        bins = outputs[f"dis_pred_stride_{stride}"][0].astype(np.float64)
        for cell in range(len(scores)):
            side = size // stride
            x, y = (cell % side * stride + (stride - 1) / 2, cell // side * stride + (stride - 1) / 2)
            found += distances(bins[cell], scores[cell], x, y, stride)
    return found


def ssd(outputs, size):
    return [(label, scores[1 + label], *(box.astype(np.float64) * size))
            for scores, box in zip(outputs["scores"][0], outputs["boxes"][0]) for label in range(3)]


def fastestdet(outputs, size):
    found, x = [], outputs["output"][0].astype(np.float64)
    for row, column in np.ndindex(x.shape[1:]):
        v = x[:, row, column]
        box = ((column + np.tanh(v[1])) * 16, (row + np.tanh(v[2])) * 16,
               sigmoid(v[3]) * size, sigmoid(v[4]) * size)
        found += [centred(label, v[0] ** 0.6 * v[5 + label] ** 0.4, *box) for label in range(3)]
    return found


def yolo_fastestv2_maps(outputs, size):
    found = []
    for stride in (16, 32):
        boxes, objects = sigmoid(outputs[f"reg{stride}"][0]), sigmoid(outputs[f"obj{stride}"][0])
        for row, column in np.ndindex(boxes.shape[1:]):
            scores = softmax(outputs[f"cls{stride}"][0][:, row, column])
            for anchor, (width, height) in enumerate(YOLO_ANCHORS_V2[stride]):
                v = boxes[4 * anchor:4 * anchor + 4, row, column]
                box = ((2 * v[0] - 0.5 + column) * stride, (2 * v[1] - 0.5 + row) * stride,
                       (2 * v[2]) ** 2 * width, (2 * v[3]) ** 2 * height)
                found += [centred(label, objects[anchor, row, column] * scores[label], *box)
                          for label in range(3)]
    return found


def end_to_end(outputs, size):
    return [(int(row[5]), row[4], *row[:4]) for row in outputs["output"][0].astype(np.float64)]


DECODERS = {
    "yolov5-decoded": rows, "yolov5-raw": yolov5_raw, "darknet-decoded": rows,
    "yolov8-decoded": yolov8_decoded, "yolov8-raw": yolov8_raw, "yolox": yolox,
    "nanodet": nanodet, "ssd-decoded": ssd, "fastestdet": fastestdet,
    "yolo-fastestv2-maps": yolo_fastestv2_maps, "end-to-end": end_to_end,
}
