"""Runs a detector that `compress` wrote with ONNX Runtime: python3 detect.py edge.onnx IMAGE; needs onnxruntime and pillow."""
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
source = session.get_inputs()[0]
height, width = source.shape[2:]
image = Image.open(sys.argv[2]).convert("RGB").resize((width, height))
pixels = np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255
outputs = session.run(None, {source.name: pixels})
for output, values in zip(session.get_outputs(), outputs):
    print(output.name, values.shape, f"{values.min():.3f} … {values.max():.3f}")
