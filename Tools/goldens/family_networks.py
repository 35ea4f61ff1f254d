"""Small networks with the heads of the families, see head_networks.py; three classes each."""

import numpy as np
from onnx import helper

from goldens.head_networks import SIZE, Head

CLASSES = ["ant", "bee", "cat"]
ANCHORS = {
    8: [(10, 13), (16, 30), (33, 23)], 16: [(30, 61), (62, 45), (59, 119)],
    32: [(116, 90), (156, 198), (373, 326)],
}
DARKNET = {16: [(12, 18), (37, 49), (52, 40)], 32: [(30, 60), (60, 30), (50, 50)]}


def named(model):
    """The model with class names in its metadata, as Ultralytics writes them."""
    entry = model.metadata_props.add()
    entry.key = "names"
    entry.value = "{" + ", ".join(f"{i}: '{name}'" for i, name in enumerate(CLASSES)) + "}"
    return model


def grid(side, shift=0.0):
    y, x = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    return (np.stack([x, y], -1) + shift).astype(np.float32).reshape(1, 1, side, side, 2)


def anchored(name, anchors, exponential):
    """Boxes of anchors, decoded in the graph by YOLOv5's formula or Darknet's."""
    h, parts = Head(name), []
    for stride, sizes in anchors.items():
        side = SIZE // stride
        x = h.add("Reshape", [h.map(stride, 24), h.ints(1, 3, 8, side, side)])
        x = h.add("Transpose", [x], perm=[0, 1, 3, 4, 2])
        xy, wh, rest = h.split(x, [2, 2, 4], 4)
        xy, rest = h.add("Sigmoid", [xy]), h.add("Sigmoid", [rest])
        sizes = h.constant(np.array(sizes, np.float32).reshape(1, 3, 1, 1, 2))
        if exponential:
            wh = h.add("Mul", [h.add("Exp", [wh]), sizes])
        else:
            xy = h.add("Mul", [xy, h.floats(2)])
            wh = h.add("Mul", [h.add("Sigmoid", [wh]), h.floats(2)])
            wh = h.add("Mul", [h.add("Mul", [wh, wh]), sizes])
        cells = h.constant(grid(side, 0.0 if exponential else -0.5))
        xy = h.add("Mul", [h.add("Add", [xy, cells]), h.floats(stride)])
        joined = h.add("Concat", [xy, wh, rest], axis=4)
        parts.append(h.add("Reshape", [joined, h.ints(1, -1, 8)]))
    return named(h.end(h.add("Concat", parts, axis=1, name="output")))


def yolov5_raw():
    h = Head("yolov5-raw")
    return named(h.end(*[
        h.add("Identity", [h.map(stride, 24)], name=f"map{stride}") for stride in (8, 16, 32)]))


def yolov8(decoded):
    h = Head("yolov8-decoded" if decoded else "yolov8-raw")
    boxes, classes, centres, strides = [], [], [], []
    for stride in (8, 16, 32):
        side = SIZE // stride
        boxes.append(h.map(stride, 64))
        classes.append(h.map(stride, 3))
        centres.append(grid(side, 0.5).reshape(-1, 2).T)
        strides += [stride] * side * side
    if not decoded:
        return named(h.end(*[
            h.add("Concat", [b, c], axis=1, name=f"map{s}")
            for b, c, s in zip(boxes, classes, (8, 16, 32))]))
    flat = lambda x, count: h.add("Reshape", [x, h.ints(1, count, -1)])
    box = h.add("Concat", [flat(b, 64) for b in boxes], axis=2)
    scores = h.add("Sigmoid", [h.add("Concat", [flat(c, 3) for c in classes], axis=2)])
    bins = h.add("Reshape", [box, h.ints(1, 4, 16, -1)])
    bins = h.add("Softmax", [h.add("Transpose", [bins], perm=[0, 2, 1, 3])], axis=1)
    ramp = h.constant(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    sides = h.add("Reshape", [h.add("Conv", [bins, ramp]), h.ints(1, 4, -1)])
    low, high = h.split(sides, [2, 2], 1)
    centre = h.constant(np.concatenate(centres, 1)[None].astype(np.float32))
    first, last = h.add("Sub", [centre, low]), h.add("Add", [centre, high])
    middle = h.add("Mul", [h.add("Add", [first, last]), h.floats(0.5)])
    extent = h.add("Sub", [last, first])
    box = h.add("Mul", [h.add("Concat", [middle, extent], axis=1),
                        h.constant(np.array(strides, np.float32).reshape(1, -1))])
    return named(h.end(h.add("Concat", [box, scores], axis=1, name="output")))


def yolox():
    h, parts = Head("yolox"), []
    for stride in (8, 16, 32):
        box, objectness, classes = h.map(stride, 4, 0.5), h.map(stride, 1), h.map(stride, 3)
        x = h.add("Concat", [box, h.add("Sigmoid", [objectness]), h.add("Sigmoid", [classes])],
                  axis=1)
        parts.append(h.add("Reshape", [x, h.ints(1, 8, -1)]))
    joined = h.add("Concat", parts, axis=2)
    return named(h.end(h.add("Transpose", [joined], perm=[0, 2, 1], name="output")))


def nanodet():
    h, outputs = Head("nanodet"), []
    for stride in (8, 16, 32):
        scores, bins = h.split(h.map(stride, 35), [3, 32], 1)
        for x, count, word in ((h.add("Sigmoid", [scores]), 3, "cls"), (bins, 32, "dis")):
            flat = h.add("Reshape", [x, h.ints(1, count, -1)])
            outputs.append(
                h.add("Transpose", [flat], perm=[0, 2, 1], name=f"{word}_pred_stride_{stride}"))
    return named(h.end(*outputs))


def ssd():
    """Two priors of 20 × 20 and 20 × 40 in the cells of stride 16, decoded to corners."""
    h = Head("ssd-decoded")
    scores = h.add("Softmax", [h.rows(h.map(16, 8), 4)], axis=2, name="scores")
    xy, wh = h.split(h.rows(h.map(16, 8), 4), [2, 2], 2)
    y, x = np.meshgrid(np.arange(4), np.arange(4), indexing="ij")
    centres = ((np.stack([x, y], -1).reshape(-1, 1, 2) + 0.5) / 4).repeat(2, 1)
    sizes = np.tile(np.array([[20, 20], [40, 20]]) / SIZE, (16, 1, 1))
    shape = (1, 32, 2)
    centre = h.constant(centres.reshape(shape).astype(np.float32))
    size = h.constant(sizes.reshape(shape).astype(np.float32))
    xy = h.add("Mul", [h.add("Mul", [xy, h.floats(0.1)]), size])
    xy = h.add("Add", [xy, centre])
    wh = h.add("Mul", [h.add("Exp", [h.add("Mul", [wh, h.floats(0.2)])]), size])
    half = h.add("Mul", [wh, h.floats(0.5)])
    boxes = h.add("Concat", [h.add("Sub", [xy, half]), h.add("Add", [xy, half])], axis=2,
                  name="boxes")
    return named(h.end(scores, boxes))


def fastestdet():
    h = Head("fastestdet")
    objectness = h.add("Sigmoid", [h.map(16, 1)])
    classes = h.add("Transpose", [h.map(16, 3)], perm=[0, 2, 3, 1])
    classes = h.add("Transpose", [h.add("Softmax", [classes], axis=3)], perm=[0, 3, 1, 2])
    return named(h.end(
        h.add("Concat", [objectness, h.map(16, 4), classes], axis=1, name="output")))


def yolo_fastestv2_maps():
    h, outputs = Head("yolo-fastestv2-maps"), []
    for stride in (16, 32):
        for word, channels in (("reg", 12), ("obj", 3), ("cls", 3)):
            outputs.append(
                h.add("Identity", [h.map(stride, channels)], name=f"{word}{stride}"))
    return named(h.end(*outputs))


def end_to_end():
    """Rows of corners, confidence and class that a TopK has chosen."""
    h = Head("end-to-end")
    x = h.rows(h.map(8, 6), 6)
    corner, size, label, score = h.split(x, [2, 2, 1, 1], 2)
    first = h.add("Mul", [h.add("Sigmoid", [corner]), h.floats(40)])
    last = h.add("Add", [first, h.add("Mul", [h.add("Sigmoid", [size]), h.floats(20)])])
    index = h.add("Floor", [h.add("Mul", [h.add("Sigmoid", [label]), h.floats(3)])])
    rows = h.add("Concat", [first, last, h.add("Sigmoid", [score]), index], axis=2)
    scores = h.add("Reshape", [h.add("Sigmoid", [score]), h.ints(-1)])
    _, best = h.add("TopK", [scores, h.ints(20)], outputs=2, axis=0)
    return named(h.end(h.add("Gather", [rows, best], axis=1, name="output")))


FAMILIES = {
    "yolov5-decoded": lambda: anchored("yolov5-decoded", ANCHORS, False),
    "yolov5-raw": yolov5_raw,
    "darknet-decoded": lambda: anchored("darknet-decoded", DARKNET, True),
    "yolov8-decoded": lambda: yolov8(True), "yolov8-raw": lambda: yolov8(False),
    "yolox": yolox, "nanodet": nanodet, "ssd-decoded": ssd, "fastestdet": fastestdet,
    "yolo-fastestv2-maps": yolo_fastestv2_maps, "end-to-end": end_to_end,
}
