extension Compare: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Runs a model and a reference on the same input and prints how far each output is off. The exit status is 0 whatever \
      the error.
      """,
    sections: [
      (
        "Inputs",
        """
        Without --tensors, both models run on the same random input (uniform in 0…1, from --seed). With --tensors DIR, the \
        inputs are read from DIR/inputs/NAME.npy and the expected outputs from DIR/outputs/NAME.npy, a '/' in a name written \
        as %2F.
        """
      ),
      (
        "The error",
        """
        The error is max |a − b| / max |b| over an output, the mean that of |a − b|. NaN equals NaN, and an infinity one of its \
        sign, as in numpy.testing; an element that is not finite on one side alone makes both infinite ("Infinity" in \
        JSON) and is counted.
        """
      ),
    ],
    usual: ["tensors", "seed", "imgsz", "threads", "format", "quiet"],
    examples: [
      "compress compare pruned.onnx model.onnx",
      "compress compare model.onnx --tensors recorded/",
    ])
}
