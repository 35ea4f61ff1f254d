extension DistillCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      A student, any model file or a new network that is built, learns from labels and from what the teacher computes on the \
      same images: its scores and boxes, its feature maps, the relations between images. With --label-weight 0 it learns from \
      the teacher alone and needs no labels.
      """,
    sections: [
      (
        "Features",
        """
        Features are compared where both networks have maps of the same stride before their heads, or at the values that \
        --layers names. Where channels differ a learned adapter comes between; like all that losses learn it is dropped \
        from the saved student. Weights of a student file that are zero stay zero.
        """
      ),
      (
        "Whether the teacher helped",
        """
        --control trains the same student with the same seed and budget on labels alone and shows it beside the result: only \
        the difference to it tells whether the teacher helped.
        """
      ),
      (
        "Without a teacher",
        """
        The embedded detector teaches a student of half its width on embedded scenes, for \(Self.embeddedEpochs) epochs.
        """
      ),
    ],
    usual: ["teacher", "student", "data", "epochs", "loss", "output"],
    examples: [
      "compress distill --teacher big.onnx --student small.onnx --loss kd,ld --data coco/ --epochs 50",
      "compress distill --teacher model.onnx --student pruned.onnx --loss kd,ld --label-weight 0 --data images/ --epochs 10",
      "compress distill --control",
      "compress distill --teacher model.onnx --student pruned.onnx --loss cwd,kd,ld --data data.yaml --epochs 20 --control",
      "compress distill --teacher big.onnx --arch yolov8n --width 0.25 --loss fitnet=2:stage=0.3 --data voc/ --epochs 100",
      "compress distill --teacher a.onnx --student b.onnx --loss at --layers neck.3=conv7,neck.5=conv9 --data coco/ --epochs 9",
    ],
    meanings: [
      "images": """
      The folder that the images of --data lie in, where that is not beside the labels; without --data: how many embedded \
      scenes to learn from.
      """
    ],
    defaults: [
      "optimizer": "adamw",
      "lr": "0.002, of a --student file 0.001; with --optimizer sgd 0.01",
    ])
}
