import Execution
import Foundation
import GraphIR
import Operators
import Prune

/// How far channels are cut.
enum ChannelTarget {
  /// This fraction of the model's parameters is gone.
  case sparsity(Double)
  /// This fraction of the channels that may go is gone.
  case channels(Double)
  /// At most so many multiply–accumulates are left.
  case macs(Int)
  /// The median latency is at most this, in milliseconds.
  case latency(Double)

  /// The part of the target that is due after one of several rounds of equal strength.
  func part(_ round: Int, of rounds: Int, from start: ModelCost) -> ChannelTarget {
    let share = Double(round) / Double(rounds)
    switch self {
    case .sparsity(let fraction): return .sparsity(1 - pow(1 - fraction, share))
    case .channels(let fraction): return .channels(1 - pow(1 - fraction, share))
    case .macs(let count):
      return .macs(Int(Double(start.macs) * pow(Double(count) / Double(start.macs), share)))
    case .latency: return self
    }
  }

  /// In words.
  var text: String {
    switch self {
    case .sparsity(let fraction): "\(Format.percent(fraction)) of the parameters removed"
    case .channels(let fraction): "\(Format.percent(fraction)) of the removable channels removed"
    case .macs(let count): "at most \(Format.count(count)) MACs"
    case .latency(let milliseconds): "a median latency of at most \(milliseconds) ms"
    }
  }
}

/// Measures cuts against a target.
struct ChannelTargetCheck {
  var target: ChannelTarget
  /// The cost of the model at the start, of which fractions are taken.
  var start: ModelCost
  var coupling: ChannelCoupling
  var inputShapes: [String: [Int]]
  var threads: Int

  /// Whether a cut is strong enough.
  func isMet(_ removed: Set<Int>) throws -> Bool {
    if case .channels(let fraction) = target {
      return Double(removed.count) >= (fraction * Double(coupling.groups.count)).rounded(.down)
    }
    let graph = try coupling.removing(removed).graph
    if case .latency(let milliseconds) = target { return try latency(graph) <= milliseconds }
    let cost = try ModelCost(graph, registry: .standard, inputShapes: inputShapes)
    switch target {
    case .sparsity(let fraction):
      return Double(cost.parameters) <= (1 - fraction) * Double(start.parameters)
    case .macs(let count): return cost.macs <= count
    default: return true
    }
  }

  /// The median latency of a graph in milliseconds.
  private func latency(_ graph: Graph) throws -> Double {
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: threads, inputShapes: inputShapes, passes: StandardRewrites.inference))
    session.fillInputs()
    return try LatencyStatistics.measure(warmUp: 3, runs: 15, duration: .zero) {
      try session.run()
    }.median
  }
}
