import ObjectDetection

extension Report: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Compares model files in a folder of tables and figures: parameters, zeros, MACs (FLOPs = 2 × MACs), size, latency and \
      peak memory, each measured in a process of its own, and with --data accuracy as COCO counts it. The first model is \
      the baseline; name=file gives a model the name that tables and figures print.
      """,
    sections: [
      (
        "The folder",
        """
        It gets report.md, report.html (one page that works offline), report.tex (for \\input, with booktabs), report.json, \
        tables as CSV, manifest.json, and figures as SVG and PDF; the same files, data and seed give the same bytes, measured \
        columns (marked *) aside.
        """
      ),
      (
        "What is chance",
        """
        mAP comes with a 95 % interval by the bootstrap over images, and each model with a paired test against the first: a \
        difference that the choice of images explains is called noise. Recall and misses are those at --confidence, or at \
        \(HeadConfiguration.displayConfidence). A warning is given when images of --train-data or --calib are scored on.
        """
      ),
    ],
    usual: ["data", "output", "limit", "no-timing", "threads", "title"],
    examples: [
      "compress report model.onnx model-pruned.onnx --output report/",
      "compress report a.onnx b.onnx c.h5 --data coco/ --output report/ --threads 1",
      "compress report float=model.onnx int8=model-int8.onnx --data coco/",
    ])
}
