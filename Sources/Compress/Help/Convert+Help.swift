extension Convert: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Reads a model, told by its content, and writes it in the format that the ending of the output says: .onnx, or .h5 \
      and .hdf5. Nothing is lost either way: the written file is read again and compared, and a difference is an error (70).
      """,
    sections: [
      (
        "Files",
        """
        The output may be the input: it is replaced when the new file is complete. ONNX files end at 2 GB; --external-data \
        puts weights into a file of the same name with .data appended.
        """
      )
    ],
    usual: ["output", "sparse-initializers", "external-data", "format", "quiet"],
    examples: [
      "compress convert model.onnx --output model.h5",
      "compress convert model.h5 --output model.onnx --sparse-initializers",
      "compress convert huge.h5 --output huge.onnx --external-data",
      "compress convert model.onnx --output model.h5 --format json",
    ])
}
