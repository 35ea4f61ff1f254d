"""Small networks with the heads of detectors: one function a head, from an image of 64 × 64 pixels.

Each returns a model whose outputs have the names, shapes and value ranges of that head. Maps are
made by pooling the image to a stride and one 1 × 1 convolution.
"""

import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIZE = 64
COCO = 80


class Head:
    """A graph under construction; every method adds nodes and returns a value's name."""

    def __init__(self, name, opset=13):
        self.name, self.opset = name, opset
        self.generator = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.constants, self.outputs = [], [], []

    def constant(self, array, name=None):
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, *values):
        return self.constant(np.array(values, np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def add(self, op, inputs, outputs=1, name=None, **attributes):
        names = [name or f"v{len(self.nodes)}"]
        if outputs > 1:
            names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def map(self, stride, channels, spread=1.0, bias=0.0):
        """[1, channels, 64 / stride, 64 / stride]: logits around the biases."""
        weight = self.generator.normal(0, 4 * spread, (channels, 3, 1, 1)).astype(np.float32)
        start = self.generator.normal(0, spread, channels) + bias
        pooled = self.add("AveragePool", ["images"], kernel_shape=[stride] * 2, strides=[stride] * 2)
        centred = self.add("Sub", [pooled, self.floats(0.5)])
        return self.add(
            "Conv", [centred, self.constant(weight), self.constant(start.astype(np.float32))])

    def rows(self, x, columns, name=None, batch=True):
        """[1, C, H, W] as [1, H·W·C / columns, columns]: cells, then anchors."""
        last = self.add("Transpose", [x], perm=[0, 2, 3, 1])
        shape = self.ints(1, -1, columns) if batch else self.ints(-1, columns)
        return self.add("Reshape", [last, shape], name=name)

    def split(self, x, sizes, axis):
        return self.add("Split", [x, self.ints(*sizes)], outputs=len(sizes), axis=axis)

    def end(self, *outputs):
        values = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
        image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
        graph = helper.make_graph(self.nodes, self.name, [image], values, self.constants)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def scrfd():
    h, outputs = Head("scrfd"), []
    for stride in (8, 16, 32):
        scores = h.add("Sigmoid", [h.map(stride, 2)])
        outputs.append(h.rows(scores, 1, f"score_{stride}", batch=False))
        outputs.append(h.rows(h.add("Abs", [h.map(stride, 8)]), 4, f"bbox_{stride}", batch=False))
        outputs.append(h.rows(h.map(stride, 20), 10, f"kps_{stride}", batch=False))
    return h.end(*outputs)


def yunet():
    h, outputs = Head("yunet"), []
    for word, columns in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            x = h.map(stride, columns, 0.5)
            x = h.add("Sigmoid", [x]) if columns == 1 else x
            outputs.append(h.rows(x, columns, f"{word}_{stride}"))
    return h.end(*outputs)


def retinaface():
    h = Head("retinaface")
    def joined(columns, name, last=None):
        parts = [h.rows(h.map(stride, 2 * columns), columns) for stride in (8, 16, 32)]
        if last is None:
            return h.add("Concat", parts, axis=1, name=name)
        return h.add(last, [h.add("Concat", parts, axis=1)], axis=2, name=name)
    return h.end(joined(4, "loc"), joined(2, "conf", "Softmax"), joined(10, "landms"))


def yolov5_face():
    h, parts = Head("yolov5-face"), []
    for stride in (8, 16, 32):
        x = h.add("Abs", [h.map(stride, 48)])
        rows = h.rows(x, 16)
        box, objectness, points, face = h.split(rows, [4, 1, 10, 1], 2)
        parts.append(h.add("Concat", [
            h.add("Mul", [box, h.floats(12)]), h.add("Tanh", [objectness]), points,
            h.add("Tanh", [face])], axis=2))
    return h.end(h.add("Concat", parts, axis=1, name="output"))


def yolo_fastestv2():
    h, parts = Head("yolo-fastestv2"), []
    for stride in (16, 32):
        box = h.add("Sigmoid", [h.map(stride, 12)])
        objectness = h.add("Sigmoid", [h.map(stride, 3)])
        classes = h.add("Softmax", [h.map(stride, COCO)], axis=1)
        parts.append(h.rows(h.add("Concat", [box, objectness, classes], axis=1), 95, batch=False))
    return h.end(h.add("Concat", parts, axis=0, name="output"))


def seven_columns():
    """[12, 7]: image, corners, class, confidence, as after a suppression in the graph."""
    h = Head("end-to-end-7")
    x = h.rows(h.map(16, 6), 6, batch=False)
    corner, size, label, score = h.split(x, [2, 2, 1, 1], 1)
    first = h.add("Mul", [h.add("Sigmoid", [corner]), h.floats(40)])
    last = h.add("Add", [first, h.add("Mul", [h.add("Sigmoid", [size]), h.floats(20)])])
    index = h.add("Floor", [h.add("Mul", [h.add("Sigmoid", [label]), h.floats(5)])])
    score = h.add("Sigmoid", [score])
    image = h.add("Mul", [score, h.floats(0)])
    return h.end(h.add("Concat", [image, first, last, index, score], axis=1, name="output"))


def detr():
    h = Head("detr")
    logits = h.rows(h.map(16, COCO + 1, 2), COCO + 1, "pred_logits")
    boxes = h.add("Sigmoid", [h.rows(h.map(16, 4), 4)], name="pred_boxes")
    return h.end(logits, boxes)


def anchors_of(size):
    """Squares and wide boxes of 20 and 40 pixels in cells of 16, as cy cx h w relative to the image."""
    found = []
    for row in range(size // 16):
        for column in range(size // 16):
            for height, width in ((20, 20), (20, 40)):
                found.append([(row + 0.5) * 16 / size, (column + 0.5) * 16 / size,
                              height / size, width / size])
    return np.array(found, np.float32)


def ssd_anchor_output():
    """Offsets in the order y x h w, and the anchors as an output of their own."""
    h = Head("ssd-anchor-output")
    boxes = h.rows(h.map(16, 8), 4, "box_encodings")
    scores = h.rows(h.map(16, 2 * 4), 4, "class_predictions")
    anchors = h.add("Identity", [h.constant(anchors_of(SIZE))], name="anchors")
    return h.end(boxes, scores, anchors)


def ssd_initializer():
    """Offsets whose priors lie in a constant that nothing but a decoder reads."""
    h = Head("ssd-initializer")
    boxes = h.rows(h.map(16, 8), 4, "boxes")
    scores = h.add("Softmax", [h.rows(h.map(16, 2 * 3), 3)], axis=2, name="scores")
    cy, cx, height, width = anchors_of(SIZE).T
    corners = np.stack([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2], 1)
    h.constant(corners.astype(np.float32), "priors")
    return h.end(boxes, scores)


def tensorflow_ssd():
    h = Head("tensorflow-ssd")
    x = h.rows(h.map(16, 6), 6)
    corner, size, label, score = h.split(x, [2, 2, 1, 1], 2)
    first = h.add("Mul", [h.add("Sigmoid", [corner]), h.floats(0.6)])
    last = h.add("Add", [first, h.add("Mul", [h.add("Sigmoid", [size]), h.floats(0.4)])])
    boxes = h.add("Concat", [first, last], axis=2, name="detection_boxes")
    index = h.add("Floor", [h.add("Mul", [h.add("Sigmoid", [label]), h.floats(6)])])
    labels = h.add("Add", [h.add("Reshape", [index, h.ints(1, -1)]), h.floats(1)],
                   name="detection_classes")
    scores = h.add("Sigmoid", [h.add("Reshape", [score, h.ints(1, -1)])], name="detection_scores")
    return h.end(boxes, labels, scores)


def detection_output():
    """[1, 1, 16, 7]: image, class from 1 on, confidence, corners relative to the image."""
    h = Head("detection-output")
    x = h.rows(h.map(16, 6), 6)
    corner, size, label, score = h.split(x, [2, 2, 1, 1], 2)
    first = h.add("Mul", [h.add("Sigmoid", [corner]), h.floats(0.6)])
    last = h.add("Add", [first, h.add("Mul", [h.add("Sigmoid", [size]), h.floats(0.4)])])
    index = h.add("Floor", [h.add("Mul", [h.add("Sigmoid", [label]), h.floats(6)])])
    index = h.add("Add", [index, h.floats(1)])
    score = h.add("Sigmoid", [score])
    image = h.add("Mul", [score, h.floats(0)])
    joined = h.add("Concat", [image, index, score, first, last], axis=2)
    return h.end(h.add("Reshape", [joined, h.ints(1, 1, -1, 7)], name="detection_out"))


DESCRIBED = {
    "scrfd": scrfd, "yunet": yunet, "retinaface": retinaface, "yolov5-face": yolov5_face,
    "yolo-fastestv2": yolo_fastestv2, "end-to-end-7": seven_columns, "detr": detr,
    "ssd-anchor-output": ssd_anchor_output, "ssd-initializer": ssd_initializer,
    "tensorflow-ssd": tensorflow_ssd, "detection-output": detection_output,
}
