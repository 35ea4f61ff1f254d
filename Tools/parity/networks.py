"""The networks that compressed files are checked on: the shared ones and small ones of each
built-in architecture."""
import os

import onnx

from lib import peers, places
from lib.command import input_shapes

ARCHITECTURES = ["yolov5-lite", "yolov5n", "yolov8n", "mobilenetv2-ssdlite", "vgg11"]


class Network:
    """The inputs of a network and noise for them."""

    def __init__(self, path):
        self.shapes = peers.input_shapes(path)
        self.feed = peers.noise(self.shapes)

    def difference(self, compress, path):
        """Checks a file made of the network; the largest difference of our outputs on noise from
        ONNX Runtime's, in parts of each output's largest value."""
        onnx.checker.check_model(onnx.load(path), full_check=True)
        theirs = peers.outputs(peers.session(path), self.feed)
        return compress.difference(path, self.feed, theirs, *input_shapes(self.shapes))


def paths(compress, names, folder):
    """The named networks' files, or those of all; built-in ones are made as they are reached."""
    for name in names or places.models() + ARCHITECTURES:
        yield built(compress, name, folder) if name in ARCHITECTURES else places.model(name)


def built(compress, name, folder):
    """A small network of a built-in architecture, trained for two steps."""
    target = os.path.join(folder, name)
    compress.report("train", "--arch", name, "--width", "0.5", "--imgsz", "160", "--images", "16",
                    "--batch", "8", "--epochs", "1", "--output", target)
    path = target + ".onnx"
    os.rename(os.path.join(target, "last.onnx"), path)
    return path
