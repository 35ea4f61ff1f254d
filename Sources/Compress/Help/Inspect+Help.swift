extension Inspect: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Lists a model's layers with parameters, those that are not zero, multiply–accumulates (1 MAC = 2 FLOPs) and the \
      memory that activations need at once.
      """,
    sections: [
      (
        "What counts",
        """
        Parameters are what papers count: weights, biases, slopes, scales and shifts of normalisations. Running statistics \
        of batch normalisations, grids, anchors and scales of quantisation are none. MACs are those of convolutions and \
        matrix products, attention included.
        """
      ),
      (
        "Channels",
        """
        With --groups it lists which channels would be pruned together and which have to stay, and why. With --sensitivity \
        it removes growing fractions of the channels of each layer alone, measures what that does to the outputs (or, \
        with --measure mAP and --data, to the mAP) and writes a file for prune --allocation sensitivity with a figure beside \
        it; a file that is there already is resumed.
        """
      ),
    ],
    usual: ["summary", "groups", "sensitivity", "calib", "imgsz", "format"],
    examples: [
      "compress inspect model.onnx",
      "compress inspect model.onnx --summary",
      "compress inspect model.onnx --sensitivity curves.json --calib images/",
      "compress inspect model.onnx --groups",
      "compress inspect dynamic.onnx --input-shape images=1x3x640x640 --format json",
    ])
}
