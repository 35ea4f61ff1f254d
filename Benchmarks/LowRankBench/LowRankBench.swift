import ArgumentParser
import Foundation
import LowRank
import Tensors

/// Times the CP decomposition and the SVD of one filter bank.
///
/// `Tools/bench/lowrank.py` compares with TensorLy and NumPy.
@main
struct LowRankBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lowrank-bench", abstract: "Decompose a filter bank from a raw float32 file.")

  @Option(help: "The filter bank, [O, I, kH, kW].") var weights: String
  @Option(help: "Its extents, with commas between.") var shape: String
  @Option(help: "Components.") var rank = 64
  @Option(help: "Sweeps.") var iterations = 100
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Runs; the median counts.") var runs = 5

  func run() throws {
    let data = try Data(contentsOf: URL(filePath: weights))
    let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let extents = shape.split(separator: ",").compactMap { Int($0) }
    guard extents.count == 4, values.count == extents.reduce(1, *) else {
      throw ValidationError("--shape must give four extents that fit the file.")
    }
    let pool = ThreadPool(threads: threads)
    var result = Result(cpSeconds: 0, cpError: 0, svdSeconds: 0, svdError: 0)
    result.cpSeconds = try median {
      result.cpError = try CPDecomposition(
        values, shape: extents, rank: rank, iterations: iterations, tolerance: 0, pool: pool
      ).reconstructionError
    }
    result.svdSeconds = try median {
      result.svdError = try SingularFactors(
        values, rows: extents[0], columns: values.count / extents[0]
      ).error(rank: rank)
    }
    print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
  }

  private func median(_ body: () throws -> Void) throws -> Double {
    let times = try (0..<runs).map { _ in
      try ContinuousClock().measure(body) / .seconds(1)
    }
    return times.sorted()[runs / 2]
  }

  private struct Result: Encodable {
    var cpSeconds: Double
    var cpError: Double
    var svdSeconds: Double
    var svdError: Double
  }
}
