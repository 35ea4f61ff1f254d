import ArgumentParser
import Evidence
import Formats
import Foundation

/// `compress convert`: ONNX to HDF5 and back.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a model between ONNX and HDF5.")

  @Argument(
    help: "The model file. (default: the embedded detector)", completion: .file())
  var model: String?

  @Option(name: .shortAndLong, help: "The file to write: .onnx, .h5 or .hdf5.", completion: .file())
  var output: String

  @Flag(help: "Store weights with many zeros as ONNX sparse initializers where that is smaller.")
  var sparseInitializers = false

  @Flag(help: "Store ONNX weights of 1 KiB and more in a file beside the model.")
  var externalData = false

  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    guard let written = ModelFormat.named(by: URL(filePath: output)) else {
      throw ValidationError(
        "--output '\(output)' must end in \(ModelFile.endings.map { "." + $0 }.joined(separator: ", "))."
      )
    }
    if (sparseInitializers || externalData) && !written.hasSaveOptions {
      throw ValidationError("--sparse-initializers and --external-data concern .onnx outputs only.")
    }
  }

  func run() throws {
    let loaded = try ModelArtifact(model)
    let url = URL(filePath: output)
    let options = ONNXFormat.SaveOptions(
      sparseInitializers: sparseInitializers, externalDataFrom: externalData ? 1024 : nil)
    let (inputBytes, inputSHA256) = (loaded.fileBytes, loaded.sha256)
    try allowInPlace(loaded, url)
    try ModelFile.save(loaded.stored, to: url, options: options) { written in
      if let place = loaded.stored.firstDifference(from: written) {
        throw CommandError(
          .internalError, "\(output): reads back differently from what was written: \(place)")
      }
    }
    let written = try ModelArtifact(output)
    let result = Result(
      input: loaded.url.path, output: url.path, inputBytes: inputBytes,
      outputBytes: written.fileBytes, inputSHA256: inputSHA256, outputSHA256: written.sha256)
    switch common.format {
    case .json: try Console.json(result)
    case .text:
      Console.result(
        "\(loaded.name) (\(Format.megabytes(result.inputBytes))) → \(url.lastPathComponent) "
          + "(\(Format.megabytes(result.outputBytes)))")
    }
  }

  /// Lets the output be the input, which the new file says everything of, but under its own ending.
  private func allowInPlace(_ source: ModelArtifact, _ url: URL) throws {
    guard !source.isEmbedded, InputFile.isSame(source.url, url) else { return }
    let place = URL(filePath: AtomicFile.place(of: url))
    guard ModelFormat.written(to: place).name == ModelFormat.written(to: url).name else {
      throw CommandError(
        .usage,
        "\(output) is a link to \(place.path), whose name is of another format; give another --output"
      )
    }
    InputFile.release(url)
    if !source.external.isEmpty { InputFile.release(URL(filePath: place.path + ".data")) }
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var input: String
    var output: String
    var inputBytes: Int
    var outputBytes: Int
    var inputSHA256: String
    var outputSHA256: String
  }
}
