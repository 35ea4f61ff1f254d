"""Runs single-operator models through ONNX Runtime and stores what went in and came out.

Usage: python make_operator_goldens.py nn|data|opsets|composed|spatial|products [NAME...]

Reads the cases of operator_cases_{nn,data,opsets,composed,spatial,products}.py and writes
Tests/Goldens/Operators/{nn,data,opsets,composed,spatial,products}.json (an index) and .bin (the elements, little-endian, 4-bit
elements packed two a byte). Each case draws from its own generator, seeded by its name, so adding
a case leaves the others as they are. With NAMEs only those cases run and nothing is written.
"""

import importlib
import json
import pathlib
import sys
import zlib

sys.path.insert(0, __file__.rsplit("/", 2)[0])

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from lib.places import goldens

ELEMENT_NAMES = {
    TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64", TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16", TensorProto.INT8: "int8", TensorProto.INT16: "int16",
    TensorProto.INT32: "int32", TensorProto.INT64: "int64", TensorProto.UINT8: "uint8",
    TensorProto.UINT16: "uint16", TensorProto.UINT32: "uint32", TensorProto.UINT64: "uint64",
    TensorProto.INT4: "int4", TensorProto.UINT4: "uint4", TensorProto.BOOL: "bool",
}


class Case:
    """One node with its inputs.

    inputs: for each input None (omitted), an array, or a function from a generator to an array.
    constants: the inputs that a model would store as initializers.
    tolerance: a name that the Swift test knows; "exact" for equal bits.
    """

    def __init__(self, name, op, inputs, attributes=None, opset=17, outputs=1, domain="",
                 constants=(), tolerance=None):
        self.name, self.op, self.inputs = name, op, inputs
        self.attributes, self.opset, self.outputs = attributes or {}, opset, outputs
        self.domain, self.constants, self.tolerance = domain, constants, tolerance


def uniform(shape, low=-1.0, high=1.0, dtype=np.float32):
    """A function from a generator to an array of the given shape; whole numbers include high."""
    def draw(generator):
        if np.issubdtype(dtype, np.integer):
            return generator.integers(low, high, size=shape, dtype=dtype, endpoint=True)
        return generator.uniform(low, high, size=shape).astype(dtype)
    return draw


def run(case):
    generator = np.random.default_rng(zlib.crc32(case.name.encode()))
    arrays = [array(generator) if callable(array) else array for array in case.inputs]
    protos = [None if a is None else a if isinstance(a, TensorProto)
              else numpy_helper.from_array(np.asarray(a)) for a in arrays]
    names = ["" if p is None else f"x{i}" for i, p in enumerate(protos)]
    node = helper.make_node(
        case.op, names, [f"y{i}" for i in range(case.outputs)], domain=case.domain,
        **case.attributes)
    graph = helper.make_graph([node], "case", [], [])
    feeds = {}
    for index, (name, proto) in enumerate(zip(names, protos)):
        if proto is None:
            continue
        proto.name = name
        if index in case.constants:
            graph.initializer.append(proto)
        else:
            graph.input.append(helper.make_tensor_value_info(name, proto.data_type, proto.dims))
            feeds[name] = numpy_helper.to_array(proto)
    for index in range(case.outputs):
        graph.output.append(helper.make_empty_tensor_value_info(f"y{index}"))
    opsets = [helper.make_opsetid("", case.opset)]
    if case.domain:
        opsets.append(helper.make_opsetid(case.domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    outputs = session.run(None, feeds)
    return node, protos, [numpy_helper.from_array(np.asarray(output)) for output in outputs]


def attribute_entry(attribute):
    kind = onnx.AttributeProto.AttributeType.Name(attribute.type)
    value = helper.get_attribute_value(attribute)
    if kind == "STRING":
        value = value.decode()
    elif kind == "STRINGS":
        value = [text.decode() for text in value]
    elif kind in ("INTS", "FLOATS"):
        value = list(value)
    elif kind not in ("INT", "FLOAT"):
        raise ValueError(f"attributes of kind {kind} have no place in the index")
    return {"kind": kind, kind.lower(): value}


def main():
    family, wanted = sys.argv[1], set(sys.argv[2:])
    cases = importlib.import_module(f"operator_cases_{family}").CASES
    assert len({case.name for case in cases}) == len(cases), "two cases of one name"
    index, data = [], bytearray()

    def store(proto):
        raw = numpy_helper.from_array(numpy_helper.to_array(proto)).raw_data
        entry = {"type": ELEMENT_NAMES[proto.data_type], "shape": list(proto.dims),
                 "offset": len(data)}
        data.extend(raw)
        return entry

    for case in cases:
        if wanted and case.name not in wanted:
            continue
        try:
            node, inputs, outputs = run(case)
        except Exception as error:
            raise SystemExit(f"case {case.name}: {error}")
        if wanted:
            for proto in inputs + outputs:
                print(case.name, None if proto is None else numpy_helper.to_array(proto))
        entry = {
            "name": case.name, "op": case.op, "domain": case.domain, "opset": case.opset,
            "attributes": {a.name: attribute_entry(a) for a in node.attribute},
            "inputs": [None if proto is None else store(proto) for proto in inputs],
            "constants": sorted(case.constants),
            "outputs": [store(proto) for proto in outputs],
        }
        if case.tolerance:
            entry["tolerance"] = case.tolerance
        index.append(entry)
    if wanted:
        return
    folder = pathlib.Path(goldens("Operators"))
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in index)
    (folder / f"{family}.json").write_text(f"[\n{lines}\n]\n")
    (folder / f"{family}.bin").write_bytes(data)
    print(f"{len(index)} cases, {len(data)} bytes, onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
