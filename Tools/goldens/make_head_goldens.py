"""Makes small networks with the heads of the families and of Examples/heads, and the boxes that plain
decoders read.

Usage: python make_head_goldens.py

Writes Tests/Goldens/Heads: one .onnx a head, and heads.json with the most confident boxes of each
for the image x[i] = (i · 7919 mod 1009) / 1009. ONNX Runtime runs the networks. head_decoders.py,
which shares nothing with the package, reads their outputs, and family_decoders.py those of the families.
"""

import json
import pathlib
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnxruntime
from onnx import numpy_helper

from goldens import family_decoders, head_decoders
from goldens.family_networks import FAMILIES
from goldens.head_networks import DESCRIBED, SIZE
from lib.places import goldens

FOLDER = pathlib.Path(goldens("Heads"))
KEPT = 40


def image():
    places = np.arange(3 * SIZE * SIZE, dtype=np.int64)
    return (places * 7919 % 1009 / 1009).astype(np.float32).reshape(1, 3, SIZE, SIZE)


def main():
    FOLDER.mkdir(exist_ok=True)
    index = {}
    decoders = head_decoders.DECODERS | family_decoders.DECODERS
    for name, make in (DESCRIBED | FAMILIES).items():
        model = make()
        (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, {"images": image()})))
        outputs.update({c.name: numpy_helper.to_array(c) for c in model.graph.initializer
                        if not c.name.startswith("c")})
        boxes = sorted(decoders[name](outputs, SIZE), key=lambda box: -box[1])[:KEPT]
        index[name] = [[int(box[0])] + [round(float(x), 5) for x in box[1:]] for box in boxes]
    (FOLDER / "heads.json").write_text(json.dumps(index, separators=(",", ":")) + "\n")


main()
