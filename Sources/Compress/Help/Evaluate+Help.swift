extension Evaluate: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Prints the twelve numbers of the COCO benchmark, computed as pycocotools does, and with --per-class the precision of \
      each class. Without --data the embedded scenes are scored.
      """,
    sections: [
      (
        "What is scored",
        """
        With --detections FILE a COCO result file is scored instead of a model. Boxes from a low confidence on take \
        part, as the metric demands; --confidence, --iou and --max-detections change that.
        """
      ),
      (
        "Classes",
        """
        The detector's classes are matched to those of the data set by name. Classes that one of them lacks are left out \
        and named. A detector without class names gets them from a file for --head:
          classes: [red cell, white cell, platelet]
        """
      ),
    ],
    usual: ["data", "limit", "classes", "per-class", "metric", "head"],
    examples: [
      "compress evaluate model.onnx --data coco/",
      "compress evaluate model.onnx --data voc/ --split val --metric voc07 --per-class",
      "compress evaluate --detections results.json --data annotations.json",
    ])
}
