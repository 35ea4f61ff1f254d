import Architectures

extension Train: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      With --arch, a built-in architecture is trained from seeded initial weights; --width and --depth make it smaller. With a \
      model file, its weights are trained on; with --classes its head is replaced for other classes. Without either, the \
      embedded detector is fine-tuned.
      """,
    sections: [
      (
        "Images",
        """
        The images come from --data, those to score on from --val-data, else from the validation split of the set, else a \
        tenth is held out. Without --data the embedded synthetic images are used.
        """
      ),
      (
        "The run",
        """
        The run lives in a folder (--output): best.onnx and last.onnx (the moving average of the weights), history.csv, \
        curve.svg, curve.pdf, run.json and checkpoint.onnx. Ctrl-C finishes the step and saves the checkpoint; --resume FOLDER \
        goes on and ends exactly as an uninterrupted run would have. The result depends on the seed, not on the threads.

        Exit status 3 says that the loss was no longer finite or --min-map was missed; the best model is kept.
        """
      ),
      (
        "Architectures",
        Architecture.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n")
      ),
    ],
    usual: ["data", "classes", "arch", "epochs", "lr", "output"],
    examples: [
      "compress train model.onnx --data voc/ --classes auto --epochs 30 --lr 0.002",
      "compress train --arch yolov8n --width 0.5 --data data.yaml --epochs 100",
      "compress train --resume model-train",
      "compress train model.onnx --data images/ --loss match --epochs 5",
    ],
    meanings: [
      "imgsz": """
      Rows and columns of the images: of an --arch a multiple of 32, of a model file as 640 or 480x640, where it takes \
      any size.
      """
    ],
    defaults: [
      "imgsz": "those of the file; of an --arch 320",
      "optimizer": "sgd", "lr": "0.002, with --arch 0.01; with --optimizer adamw 0.001",
      "epochs": "20, with --arch 100",
    ])
}
