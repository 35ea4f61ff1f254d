import ArgumentParser
import Foundation
import GraphIR
import Logging
import ObjectDetection

/// What a network's inputs are given besides images: shapes and constants.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Rows and columns of the images that the network takes, as 640 or 480x640: of dynamic inputs, and in place of fixed ones where the network takes any size. (default: those of the file)",
      valueName: "pixels"))
  var imgsz: ImageExtent?

  @Option(
    help: ArgumentHelp(
      "Shape of a dynamic network input, as NAME=1x3x320x320; 320x320 is that of images.",
      valueName: "name=shape"))
  var inputShape: [String] = []

  @Option(
    help: ArgumentHelp(
      "What an input that takes no image gets, as scale_factor=1,1; one number fills it.",
      valueName: "name=values"))
  var input: [String] = []

  mutating func validate() throws { _ = try values() }

  /// The shapes given for dynamic inputs, by input name.
  func parsedShapes() throws -> [String: [Int]] {
    try InputShapes.parse(inputShape.filter { ImageExtent(argument: $0) == nil })
  }

  /// Rows and columns of the image input; `nil` where none are given.
  private var imageSize: ImageInput.Size? {
    imgsz?.size ?? inputShape.lazy.compactMap { ImageExtent(argument: $0)?.size }.first
  }

  /// Shapes and constants, by input name.
  func values() throws -> InputValues {
    var values = InputValues(shapes: try parsedShapes(), imageSize: imageSize)
    for text in input {
      let place = text.lastIndex(of: "=") ?? text.startIndex
      let numbers = text[place...].dropFirst().split(
        separator: ",", omittingEmptySubsequences: false
      ).map { $0.trimmingCharacters(in: .whitespaces) }
      guard place != text.startIndex, !numbers.contains("") else {
        throw ValidationError("--input takes NAME=VALUE or NAME=VALUE,VALUE…, found '\(text)'.")
      }
      values.constants[String(text[..<place])] = numbers
    }
    return values
  }

  /// The options as words of a command line, for a model with these inputs.
  func words(for graph: Graph) -> [String] {
    let names = Set(graph.inputs.map(\.name))
    return (imgsz.map { ["--imgsz", "\($0.size.height)x\($0.size.width)"] } ?? [])
      + inputShape.flatMap { ["--input-shape", $0] }
      + input.filter { text in
        text.lastIndex(of: "=").map { names.contains(String(text[..<$0])) } ?? false
      }.flatMap { ["--input", $0] }
  }
}

/// Rows and columns as options give them: `640`, `480x640`, or the shape of one image.
struct ImageExtent: ExpressibleByArgument {
  let size: ImageInput.Size

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map {
      Int($0).flatMap { (1...1 << 14).contains($0) ? $0 : nil }
    }
    let known = parts.compactMap { $0 }
    guard known.count == parts.count else { return nil }
    switch known.count {
    case 1: size = .init(height: known[0], width: known[0])
    case 2: size = .init(height: known[0], width: known[1])
    case 4 where known[0] == 1 && known[1] == 3:
      size = .init(height: known[2], width: known[3])
    case 4 where known[0] == 1 && known[3] == 3:
      size = .init(height: known[1], width: known[2])
    default: return nil
    }
  }
}
