"""ONNX Runtime and pycocotools, to compare with."""
import contextlib
import importlib.util
import io
import os
import statistics
import time

from lib.places import SHARED, dataset, images, model
from lib.processes import peak


def session(path, threads=None):
    """An ONNX Runtime session on the CPU that warns of nothing."""
    import onnxruntime as ort
    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def input_shapes(path):
    """The shapes of the inputs that are no constants; unknown extents are 1."""
    import onnx
    graph = onnx.load(path).graph
    constants = {c.name for c in graph.initializer}
    return {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim]
            for i in graph.input if i.name not in constants}


def noise(shapes, seed=0):
    """Uniform noise of the given shapes by name."""
    import numpy as np
    random = np.random.default_rng(seed)
    return {name: random.random(shape, dtype=np.float32) for name, shape in shapes.items()}


def outputs(session, feed):
    """What a session computes, by name."""
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))


def median(run, seconds=0.0, runs=5, warm_up=5):
    """The median time of a call in ms, and how often it was called."""
    for _ in range(warm_up):
        run()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < runs:
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000, len(times)


def scorer():
    """The module that scores a file by ONNX Runtime and pycocotools."""
    path = os.path.join(SHARED, "tools", "reference_evaluate.py")
    spec = importlib.util.spec_from_file_location("reference_evaluate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(path, data="coco_val_128"):
    """AP of a file on a shared dataset."""
    try:
        return scorer().evaluate(path, dataset(data))[0]
    except IndexError:  # pycocotools reads the first detection of a result without any
        return 0.0


def coco(truth, detections):
    """The twelve numbers of pycocotools for files of labels and detections, its seconds and the
    peak memory of this process."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(truth)
        score = COCOeval(truth, truth.loadRes(detections), "bbox")
        score.evaluate()
        score.accumulate()
        score.summarize()
    return dict(stats=list(score.stats), seconds=time.perf_counter() - start, memory=peak())


def calibration(path, name, data="coco_train_128"):
    """The images of a dataset as the file of a shared model takes them, by input name.

    Preprocessing is that of the reference's scorer.
    """
    from PIL import Image
    reference = scorer()
    settings = next(v for k, v in reference.SETTINGS.items() if name.startswith(k))
    entry = session(path).get_inputs()[0]
    for file in images(data):
        image = Image.open(file).convert("RGB")
        yield {entry.name: reference.preprocess(image, entry.shape[2:], settings)[0]}


def quantize(name, method, output, data="coco_train_128"):
    """Writes the file that ONNX Runtime's quantize_static makes of a shared model.

    It is calibrated on all images of a dataset with the preprocessing of the reference's scorer.
    """
    import onnx
    from onnx import version_converter
    from onnxruntime.quantization import (
        CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static)
    from onnxruntime.quantization.shape_inference import quant_pre_process
    graph = onnx.load(model(name))
    constants = {c.name for c in graph.graph.initializer}
    inputs = [i for i in graph.graph.input if i.name not in constants]
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    if graph.opset_import[0].version < 13:
        graph = version_converter.convert_version(graph, 13)
    prepared = output + ".prepared.onnx"
    onnx.save(graph, prepared)
    quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
    feeds = calibration(prepared, name, data)

    class Reader(CalibrationDataReader):
        def get_next(self):
            return next(feeds, None)

    quantize_static(prepared, output, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=getattr(CalibrationMethod, method))
