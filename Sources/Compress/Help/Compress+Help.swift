extension Compress: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Reads a trained detector (ONNX or HDF5), prunes, factorises, quantises or distils it, writes a model that the ordinary \
      runtimes load, and reports accuracy against size and speed.
      """,
    sections: [
      (
        "Exit status",
        """
          0   done
          3   a quality floor (--max-drop, --min-map) was missed; the model is written
          64  wrong usage
          65  bad data in an input file
          66  an input file or folder does not exist or is empty
          70  an error inside the tool
          74  a file could not be read or written
          130 interrupted; files that existed stay whole
        """
      )
    ],
    usual: [],
    examples: [
      "compress inspect model.onnx",
      "compress quantize model.onnx --calib images/ --data coco/",
      "compress prune model.onnx --channels --target-macs 0.75 --calib images/ --recover",
      "compress evaluate model.onnx --data coco/",
      "compress prune model.onnx --sparsity 0.75 --data coco/ --report report/",
      "compress lowrank model.onnx --rank energy=0.95 --calib images/",
      "compress distill --teacher model.onnx --student small.onnx --data coco/ --epochs 20",
      "compress report model.onnx model-pruned.onnx --data coco/ --output report/",
      "compress run recipe.yaml",
    ])
}
