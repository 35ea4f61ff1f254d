import ArgumentParser
import Formats
import Foundation

/// `compress convert`: ONNX to HDF5 and back.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a model between ONNX and HDF5.",
    discussion: """
      The format written follows the ending of the output: .h5 and .hdf5 make HDF5, all others ONNX. Nothing is lost \
      either way.

      EXAMPLE
        compress convert model.onnx --output model.h5
        compress convert model.h5 --output model.onnx --sparse-initializers
      """)

  @Argument(help: "The model file.", completion: .file())
  var model: String

  @Option(name: .shortAndLong, help: "The file to write.", completion: .file())
  var output: String

  @Flag(help: "Store weights with many zeros as ONNX sparse initializers where that is smaller.")
  var sparseInitializers = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    let loaded = try LoadedModel(model)
    let url = URL(filePath: output)
    try ModelFile.save(
      loaded.graph, to: url, options: .init(sparseInitializers: sparseInitializers))
    let written = try LoadedModel(output)
    let result = Result(
      input: loaded.url.path, output: url.path, inputBytes: loaded.fileBytes,
      outputBytes: written.fileBytes, isExact: written.graph == loaded.graph)
    switch common.format {
    case .json: try Console.json(result)
    case .text:
      Console.result(
        "\(loaded.name) (\(Format.megabytes(result.inputBytes))) → \(url.lastPathComponent) "
          + "(\(Format.megabytes(result.outputBytes)))")
    }
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var input: String
    var output: String
    var inputBytes: Int
    var outputBytes: Int
    /// Whether reading the output gives the same graph.
    var isExact: Bool
  }
}
