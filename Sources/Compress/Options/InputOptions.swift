import ArgumentParser
import Foundation
import GraphIR
import Logging

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

/// Shapes and constants that options give inputs, by name.
struct InputValues {
  /// Concrete shapes.
  var shapes: [String: [Int]] = [:]
  /// The numbers as they were written.
  var constants: [String: [String]] = [:]

  /// Checks that each constant is for an input of one of the models.
  ///
  /// - Throws: ``CommandError`` that names the first that is not.
  func check(_ graphs: [Graph]) throws {
    let known = graphs.flatMap { $0.inputs.map(\.name) }
    guard let stray = constants.keys.sorted().first(where: { !known.contains($0) }) else { return }
    throw CommandError(
      .usage,
      "--input \(stray)=…: the model has no input '\(stray)'; its inputs are "
        + known.joined(separator: ", "))
  }
}
