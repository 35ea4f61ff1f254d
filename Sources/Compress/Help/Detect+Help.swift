import ObjectDetection

extension Detect: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Prints what the detector finds. With --output DIR each image is written there with a labelled box around each \
      object, as PNG unless it came as JPEG; with --results FILE the boxes are written as COCO results.
      """,
    usual: ["output", "results", "confidence", "iou", "head", "format"],
    examples: [
      "compress detect model.onnx street.jpg --output drawn/",
      "compress detect model.onnx photos/ --results results.json",
      "compress detect model.onnx street.jpg --head head.yaml --format json",
    ],
    meanings: ["confidence": "Lowest confidence of a box that is shown."],
    defaults: [
      "confidence": "what --head FILE says, else \(HeadConfiguration.displayConfidence)",
      "iou": "what --head FILE says, else \(HeadConfiguration.displayIoU)",
    ])
}
