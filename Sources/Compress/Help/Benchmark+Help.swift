extension Benchmark: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Prepares the model, warms up, and times runs on a fixed random input. With --profile each layer is timed as well. \
      With --training a run is a training step: forward, backward and an update of all weights.
      """,
    usual: ["threads", "runs", "seconds", "profile", "imgsz", "format"],
    examples: [
      "compress benchmark model.onnx --threads 1",
      "compress benchmark model.onnx --profile",
      "compress benchmark model.onnx --training",
      "compress benchmark any-batch.onnx --training --input-shape images=8x3x320x320",
    ])
}
