extension QuantizeCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Looks at images to find the range of each value of the network, then writes a model whose layers compute on 8-bit \
      integers, in the QDQ form that ONNX Runtime fuses. No labels are needed. With --data the written file is scored, in \
      integer arithmetic.
      """,
    sections: [
      (
        "What becomes integers",
        """
        Weights become int8 by output channel, activations uint8 by tensor, biases int32. What comes after the last layers stays \
        float: decoding of boxes, softmax over distances, sigmoids of scores. One scale cannot hold boxes in pixels and \
        scores between 0 and 1; detectors quantised through their heads collapse to zero mAP. What stays float is printed with \
        the reason; --exclude keeps more, --include quantises some of it.
        """
      ),
      (
        "Harm",
        """
        Each layer is quantised alone to see what that does to the raw maps of the head; one that changes them by more than \
        --max-damage of their variance stays float. With --max-drop and --data the fewest further layers are given back to \
        float that keep mAP within the bound, the most harmful first. --sensitivity lists the harm.
        """
      ),
      (
        "Calibration",
        """
        Calibration needs the memory of one image's activations, whatever the number of images, and gives the same result \
        with any number of threads. A warning is given when images to calibrate with are also scored on. --data-free looks at \
        no images: where batch normalisations say what their values are, ranges and corrections of biases come from them, \
        elsewhere ranges come from drawn images.
        """
      ),
      (
        "Fewer bits",
        """
        --rounding adaptive learns for each weight whether to round up or down; --finetune trains on by QAT, scales included, \
        against labels or (--loss match) the float model; the file keeps its structure. --bits auto takes the fewest bits \
        that --margin allows.
        """
      ),
      ("Without a model", "The embedded detector is quantised on embedded scenes."),
    ],
    usual: ["calib", "data", "max-drop", "target", "bits", "output"],
    examples: [
      "compress quantize model.onnx --calib images/",
      "compress quantize model.onnx --calib images/ --data coco/ --report report/ --max-drop 0.01",
      "compress quantize model.onnx --data-free",
      "compress quantize",
      "compress quantize model.onnx --calib images/ --data coco/ --max-drop 0.02 --drop-type relative",
      "compress quantize model.onnx --calib images/ --sensitivity --dry-run",
      "compress quantize model.onnx --calib images/ --observer percentile=99.9",
      "compress quantize model.onnx --calib images/ --bits 6 --exclude '*head*'",
      "compress quantize model.onnx --calib images/ --bits 4 --rounding adaptive",
      "compress quantize model.onnx --calib images/ --data coco/ --bits auto --margin 0.02 --power-of-two",
      "compress quantize model.onnx --calib images/ --finetune 3 --train-data images/ --loss match",
      "compress quantize model.onnx --calib images/ --bits 4 --recover photos/",
      "compress quantize model.onnx --calib images/ --observer detection --calib-state seen.json",
      "compress quantize model.onnx --calib images/ --form qoperator",
      "compress quantize model.onnx --calib images/ --reduce-range",
      "compress quantize model.onnx --calib images/ --dry-run --plan-out plan.json",
      "compress quantize model.onnx --plan plan.json",
    ],
    defaults: [
      "optimizer": "adamw",
      "lr": "0.0002 of what a weight's grid spans, below 8 bits 0.001; with --optimizer sgd 0.01",
    ])
}
