"""Decoders of heads in plain NumPy, one a head, written from the papers and the projects' code.

Each takes the outputs by name and the side of the image, and returns rows of class, confidence,
left, top, right, bottom in pixels. They share nothing with the package.
"""

import numpy as np

YOLO_ANCHORS_V2 = {
    16: [(12.64, 19.39), (37.88, 51.48), (55.71, 138.31)],
    32: [(126.91, 78.23), (131.57, 214.55), (279.92, 258.87)],
}


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def softmax(x):
    e = np.exp(np.asarray(x, np.float64) - np.max(x))
    return e / e.sum()


def scrfd(outputs, size):
    found = []
    for stride in (8, 16, 32):
        side = size // stride
        for row in range(side * side * 2):
            x, y = (row // 2) % side * stride, (row // 2) // side * stride
            l, t, r, b = outputs[f"bbox_{stride}"][row].astype(np.float64) * stride
            found.append((0, outputs[f"score_{stride}"][row, 0], x - l, y - t, x + r, y + b))
    return found


def yunet(outputs, size):
    found = []
    for stride in (8, 16, 32):
        side = size // stride
        for cell in range(side * side):
            score = np.sqrt(float(outputs[f"cls_{stride}"][0, cell, 0])
                            * float(outputs[f"obj_{stride}"][0, cell, 0]))
            dx, dy, dw, dh = outputs[f"bbox_{stride}"][0, cell].astype(np.float64)
            cx, cy = (cell % side + dx) * stride, (cell // side + dy) * stride
            w, h = np.exp(dw) * stride, np.exp(dh) * stride
            found.append((0, score, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def retinaface(outputs, size):
    priors = []
    for stride, sizes in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        side = size // stride
        for row in range(side):
            for column in range(side):
                for length in sizes:
                    priors.append(((column + 0.5) * stride, (row + 0.5) * stride, length))
    found = []
    for (x, y, length), offset, score in zip(priors, outputs["loc"][0], outputs["conf"][0]):
        offset = offset.astype(np.float64)
        cx, cy = x + 0.1 * offset[0] * length, y + 0.1 * offset[1] * length
        w, h = length * np.exp(0.2 * offset[2]), length * np.exp(0.2 * offset[3])
        found.append((0, score[1], cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def yolov5_face(outputs, size):
    found = []
    for row in outputs["output"][0].astype(np.float64):
        cx, cy, w, h = row[:4]
        found.append((0, row[4] * row[15], cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def yolo_fastestv2(outputs, size):
    table, at, found = outputs["output"].astype(np.float64), 0, []
    for stride in (16, 32):
        side = size // stride
        for cell in range(side * side):
            row = table[at + cell]
            for anchor, (width, height) in enumerate(YOLO_ANCHORS_V2[stride]):
                box = row[anchor * 4:anchor * 4 + 4]
                cx = (2 * box[0] - 0.5 + cell % side) * stride
                cy = (2 * box[1] - 0.5 + cell // side) * stride
                w, h = (2 * box[2]) ** 2 * width, (2 * box[3]) ** 2 * height
                for label in range(80):
                    found.append((label, row[12 + anchor] * row[15 + label],
                                  cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
        at += side * side
    return found


def seven_columns(outputs, size):
    return [(int(row[5]), row[6], *row[1:5]) for row in outputs["output"].astype(np.float64)]


def detr(outputs, size):
    found = []
    for logits, box in zip(outputs["pred_logits"][0], outputs["pred_boxes"][0]):
        scores = softmax(logits)
        cx, cy, w, h = box.astype(np.float64) * size
        for label in range(80):
            found.append((label, scores[label], cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def ssd_anchor_output(outputs, size):
    found = []
    for offset, scores, anchor in zip(
            outputs["box_encodings"][0], outputs["class_predictions"][0], outputs["anchors"]):
        ty, tx, th, tw = offset.astype(np.float64)
        ay, ax, ah, aw = anchor.astype(np.float64) * size
        cy, cx = ay + ty / 10 * ah, ax + tx / 10 * aw
        h, w = ah * np.exp(th / 5), aw * np.exp(tw / 5)
        for label in range(3):
            found.append((label, sigmoid(scores[label + 1]),
                          cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def ssd_initializer(outputs, size):
    found = []
    for offset, scores, prior in zip(
            outputs["boxes"][0], outputs["scores"][0], outputs["priors"]):
        x1, y1, x2, y2 = prior.astype(np.float64) * size
        cx = (x1 + x2) / 2 + 0.1 * offset[0] * (x2 - x1)
        cy = (y1 + y2) / 2 + 0.1 * offset[1] * (y2 - y1)
        w, h = (x2 - x1) * np.exp(0.2 * offset[2]), (y2 - y1) * np.exp(0.2 * offset[3])
        for label in range(2):
            found.append((label, scores[label], cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return found


def tensorflow_ssd(outputs, size):
    found = []
    for box, label, score in zip(outputs["detection_boxes"][0], outputs["detection_classes"][0],
                                 outputs["detection_scores"][0]):
        y1, x1, y2, x2 = box.astype(np.float64) * size
        found.append((int(label) - 1, score, x1, y1, x2, y2))
    return found


def detection_output(outputs, size):
    return [(int(row[1]) - 1, row[2], *(row[3:7].astype(np.float64) * size))
            for row in outputs["detection_out"][0, 0]]


DECODERS = {
    "scrfd": scrfd, "yunet": yunet, "retinaface": retinaface, "yolov5-face": yolov5_face,
    "yolo-fastestv2": yolo_fastestv2, "end-to-end-7": seven_columns, "detr": detr,
    "ssd-anchor-output": ssd_anchor_output, "ssd-initializer": ssd_initializer,
    "tensorflow-ssd": tensorflow_ssd, "detection-output": detection_output,
}
