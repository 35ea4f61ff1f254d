import ArgumentParser
import Foundation
import GraphIR
import Operators

/// Times operators on the samples that the conformance and gradient tests run.
@main
struct OperatorBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operator-bench",
    abstract: "Time the forward pass and the gradient of operators.",
    discussion: """
      Every registered operator is timed on the sample of the tests that has most elements, in a \
      session whose only node it is. The gradient is that of all float32 operands that are data, \
      with what it needs of the forward pass. The fastest of several batches of runs counts. \
      Operators that only gradients are made of have no sample: they are timed as part of those.
      """)

  /// How the times are printed.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @Argument(help: "Operators, such as Conv. (default: all)") var names: [String] = []
  @Option(help: "How the times are printed.") var format = Format.table
  @Option(help: "Threads.") var threads = 1
  @Option(help: "Milliseconds that each time is measured for.") var milliseconds = 50

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads must be at least 1.") }
    guard milliseconds > 0 else { throw ValidationError("--milliseconds must be at least 1.") }
  }

  func run() throws {
    let rows = try operators().map {
      try TimedOperator($0, threads: threads, duration: .milliseconds(milliseconds))
    }
    switch format {
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(rows), as: UTF8.self))
    case .table:
      print(Self.table(rows))
    }
  }

  /// The operators of the given names, or all, by name.
  private func operators() throws -> [any GraphIR.Operator.Type] {
    let all = OperatorRegistry.training.all.sorted { $0.opType < $1.opType }
    for name in names where !all.contains(where: { $0.opType == name }) {
      throw ValidationError("There is no operator '\(name)'.")
    }
    return names.isEmpty ? all : all.filter { names.contains($0.opType) }
  }

  private static func table(_ rows: [TimedOperator]) -> String {
    let head = ["operator", "sample", "forward µs", "gradient µs"]
    let cells =
      [head]
      + rows.map { [$0.name, $0.sample ?? "–", text($0.forward), text($0.gradient)] }
    let widths = head.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      row.enumerated().map { column, cell in
        let gap = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + gap : gap + cell
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  private static func text(_ microseconds: Double?) -> String {
    microseconds.map { String(format: "%.2f", $0) } ?? "–"
  }
}
