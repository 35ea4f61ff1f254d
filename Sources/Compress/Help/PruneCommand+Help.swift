import Prune

extension PruneCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Sets the least important weights of convolutions and matrix products to zero and refits the others on images, or \
      with --channels removes whole channels, so that the file shrinks and any runtime gets faster. No labels are needed: \
      give about a hundred images with --calib. With --data the model is scored before and after.
      """,
    sections: [
      (
        "Weights",
        """
        Sparsity is the fraction of the prunable weights that are zero. Layers that see the image and detection outputs are \
        kept whole unless --include-ends is given. Unless --method says otherwise, images show which weights a layer can \
        do without, and the others are refitted by least squares, so that the layer answers as it did (obs); without any \
        images, drawn ones are looked at. How many zeros a layer gets depends on what they do to the detector's findings. \
        --method magnitude needs no images, and hardly any detector survives half of its weights going that way.

        Zeros shrink what gzip, HDF5 files (--output FILE.h5) and --sparse-initializers store. They bring no speed in runtimes \
        that compute densely, such as ONNX Runtime and this tool.
        """
      ),
      (
        "Channels",
        """
        With --channels, or a method that is for channels, whole channels are removed with all that goes with them through \
        concatenations, splits, residual sums, shuffles and depthwise convolutions. First layers lose channels too; the \
        network's inputs and outputs do not. Unless --method says otherwise, images show which channels the layers that \
        read them can do without, and those layers are refitted (obs); without images the norms of filters decide (l1).

        Each cut is proved: the network that is left must compute what the whole one computes with those channels silenced \
        (to \(ChannelProof.bound) of the output's range). Where nothing is refitted, readers of removed channels get these \
        channels' mean, and batch normalisations are measured again (--no-compensation leaves both out). The cut goes as deep \
        as --sparsity (parameters), --channel-ratio, --target-macs or --target-latency says.
        """
      ),
      (
        "Training afterwards",
        """
        With --recover the result is trained without labels until it answers like the model again, zeros and structure kept. \
        A tenth of the images is held back and decides: learning rate, length, and which state is kept, so that it never \
        gets worse.

        With --epochs the pruned model is trained on, its zeros staying zero: pruned at once, or gradually (--schedule agp), \
        or in rounds. The images come from --train-data, else from the training split of --data, else a tenth of --data is \
        held out to score on. --loss match needs no labels to train. Methods that need data look at gradients while \
        training; with --epochs 0 they look at one pass over the images and train nothing.
        """
      ),
      (
        "What is written",
        """
        What is scored is the written file. With --report, a folder is filled with report.md, report.json, report.csv, \
        layers.csv, classes.csv and manifest.json; with channels also channels.csv, reconstruction.csv and figures of scales \
        and errors. Without a model the embedded detector is pruned, trained on for \(Self.embeddedEpochs) epochs unless --plan \
        or --recover is given, and scored on the embedded scenes.
        """
      ),
    ],
    usual: ["channels", "sparsity", "target-macs", "calib", "recover", "output"],
    examples: [
      "compress prune model.onnx --sparsity 0.5 --calib images/",
      "compress prune model.onnx --channels --target-macs 0.75 --calib images/ --recover",
      "compress prune model.onnx --data coco/ --report report/ --max-drop 0.02",
      "compress prune --sparsity 0.75",
      "compress prune model.onnx --sparsity 0.9 --schedule agp --epochs 20 --data data.yaml",
      "compress prune model.onnx --method magnitude --sparsity 0.3",
      "compress prune model.onnx --pattern 2:4 --exclude '*head*' --output slim.onnx",
      "compress prune model.onnx --sparsity 0.9 --dry-run --plan-out plan.json",
      "compress prune model.onnx --plan plan.json --output model.h5",
      "compress prune model.onnx --method l1 --sparsity 0.5 --calib images/",
      "compress prune model.onnx --method fpgm --target-macs 0.5 --round-to 8 --calib images/",
      "compress prune model.onnx --method apoz --target-macs 300M --calib images/",
      "compress prune model.onnx --method mean-activation --channel-ratio 0.3 --calib images/",
      "compress prune model.onnx --method bn-gamma --sparsity-train 10 --lambda 0.0005 --data data.yaml --epochs 20",
      "compress prune model.onnx --channels --method taylor --target-latency 12 --data coco/",
      "compress prune model.onnx --method lasso --target-macs 0.5 --calib images/",
      "compress prune model.onnx --method lasso --target-macs 0.75 --calib images/ --recover photos/ --recover-minutes 60",
    ],
    defaults: TrainingOptions.defaultsAfterwards)
}

extension TrainingOptions {
  /// The defaults of training a compressed model on.
  static let defaultsAfterwards = [
    "optimizer": "adamw", "lr": "0.001; with --optimizer sgd 0.01",
  ]
}
