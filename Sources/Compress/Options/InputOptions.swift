import ArgumentParser
import Foundation
import GraphIR
import Logging
import ObjectDetection

/// What a network's inputs are given besides images: shapes and constants.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Shape of a dynamic network input, as NAME=1x3x320x320.", valueName: "name=shape"))
  var inputShape: [String] = []

  @Option(
    help: ArgumentHelp(
      "What an input that takes no image gets, as scale_factor=1,1; one number fills it.",
      valueName: "name=values"))
  var input: [String] = []

  mutating func validate() throws { _ = try values() }

  /// The shapes given for dynamic inputs, by input name.
  func parsedShapes() throws -> [String: [Int]] { try InputShapes.parse(inputShape) }

  /// Shapes and constants, by input name.
  func values() throws -> InputValues {
    var values = InputValues(shapes: try parsedShapes())
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
    return inputShape.flatMap { ["--input-shape", $0] }
      + input.filter { text in
        text.lastIndex(of: "=").map { names.contains(String(text[..<$0])) } ?? false
      }.flatMap { ["--input", $0] }
  }
}
