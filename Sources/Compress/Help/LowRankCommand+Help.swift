import LowRank

extension LowRankCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Factorises the weights of convolutions and products: a layer becomes two to four that together have fewer weights and \
      take fewer MACs. A layer is factorised only where that gains something: by default, where the new layers are measured \
      faster on this machine than the old one (--gain latency); all others are listed with the reason.
      """,
    sections: [
      (
        "Which layers",
        """
        Layers that see the image and detection outputs are kept whole unless --include-ends is given. Ranks follow from each \
        layer alone (--rank), or share a budget out over all layers (--target-macs, --sparsity) by what their weights lose \
        or by what each layer's loss does to the outputs or to mAP (--allocation sensitivity).
        """
      ),
      (
        "Proof and refitting",
        """
        The surgery is proved: with factors of full rank the network must compute what it computed (to \
        \(FactorizationProof.bound) of the output's range). With images (--calib, or those to train on), the last stage of \
        each chain is then refitted to the original network's responses by least squares, layer by layer.
        """
      ),
      (
        "Training afterwards",
        """
        With --epochs the factorised model is trained on; --loss match needs no labels. With --recover it is trained without \
        labels until it answers like the model again, and never gets worse. --batchnorm-between puts batch normalisations \
        between the stages.
        """
      ),
      (
        "What is written",
        """
        What is scored is the written file. With --report, a folder is filled with report.md, report.json, report.csv, \
        layers.csv, classes.csv and manifest.json, and lowrank.csv, reconstruction.csv and figures of singular values and \
        errors. Without a model the embedded detector is factorised, trained on for \(Self.embeddedEpochs) epochs and scored \
        on the embedded scenes.
        """
      ),
    ],
    usual: ["rank", "target-macs", "gain", "calib", "recover", "output"],
    examples: [
      "compress lowrank model.onnx --rank energy=0.95 --calib images/",
      "compress lowrank model.onnx --target-macs 0.7 --calib images/ --recover photos/",
      "compress lowrank model.onnx --method response-svd --target-macs 0.6 --calib images/",
      "compress lowrank --target-macs 0.7",
      "compress lowrank model.onnx --method svd --rank energy=0.95 --calib images/",
      "compress lowrank model.onnx --method spatial-svd --rank auto --calib images/",
      "compress lowrank model.onnx --method channel-svd --rank ratio=0.5 --calib images/",
      "compress lowrank model.onnx --method tucker --rank auto --gain macs --calib images/",
      "compress lowrank model.onnx --method cp --rank 64 --data data.yaml --epochs 20",
      "compress lowrank model.onnx --method depthwise-separable --gain parameters --data data.yaml --epochs 20",
      "compress lowrank model.onnx --method group --rank 4 --data data.yaml --epochs 20",
      "compress lowrank model.onnx --target-macs 0.7 --allocation sensitivity --measure mAP --data coco/ --calib images/",
      "compress lowrank model.onnx --batchnorm-between --from-scratch --data data.yaml --epochs 100",
      "compress lowrank model.onnx --rank energy=0.9 --dry-run --plan-out plan.json",
    ],
    defaults: TrainingOptions.defaultsAfterwards)
}
