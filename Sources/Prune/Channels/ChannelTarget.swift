import Compression
import Execution
import Foundation
import GraphIR

/// The target of a cut of channels.
public enum ChannelTarget: Sendable, Equatable {
  /// The fraction of the model's parameters that is removed.
  case sparsity(Double)
  /// The fraction of the removable channels that is removed.
  case channels(Double)
  /// A budget of multiply–accumulates that are left.
  case macs(MACBudget)
  /// The median latency is at most this, in milliseconds.
  case latency(Double)

  /// The part of the target that must be met after one of several rounds of equal strength.
  func part(_ round: Int, of rounds: Int, from start: ModelCost) -> ChannelTarget {
    let share = Double(round) / Double(rounds)
    switch self {
    case .sparsity(let fraction): return .sparsity(1 - pow(1 - fraction, share))
    case .channels(let fraction): return .channels(1 - pow(1 - fraction, share))
    case .macs(let budget):
      let part = Double(budget.count(of: start.macs)) / Double(start.macs)
      return .macs(MACBudget(count: Int(Double(start.macs) * pow(part, share))))
    case .latency: return self
    }
  }

  /// What a cut to the target saves; latency is taken to follow multiply–accumulates.
  var quantity: ChannelCost.Quantity {
    switch self {
    case .sparsity, .channels: .parameters
    case .macs, .latency: .macs
    }
  }

  /// The target as text.
  var text: String {
    func percent(_ fraction: Double) -> String { String(format: "%.1f %%", 100 * fraction) }
    return switch self {
    case .sparsity(let fraction): "\(percent(fraction)) of the parameters removed"
    case .channels(let fraction): "\(percent(fraction)) of the removable channels removed"
    case .macs(let budget): "at most \(budget.text) MACs"
    case .latency(let milliseconds): "a median latency of at most \(milliseconds) ms"
    }
  }
}

/// Measures cuts against a target.
struct ChannelTargetCheck {
  var target: ChannelTarget
  /// The cost of the original model, to which fractions refer.
  var start: ModelCost
  var coupling: ChannelCoupling
  var engine: Engine

  /// Whether a cut is strong enough.
  func isMet(_ removed: Set<Int>) throws -> Bool {
    if case .channels(let fraction) = target {
      return Double(removed.count) >= (fraction * Double(coupling.groups.count)).rounded(.down)
    }
    let graph = try coupling.removing(removed).graph
    if case .latency(let milliseconds) = target { return try latency(graph) <= milliseconds }
    let cost = try engine.cost(of: graph)
    switch target {
    case .sparsity(let fraction):
      return Double(cost.parameters) <= (1 - fraction) * Double(start.parameters)
    case .macs(let budget): return cost.macs <= budget.count(of: start.macs)
    case .channels, .latency: return true
    }
  }

  /// The median latency of a graph in milliseconds.
  private func latency(_ graph: Graph) throws -> Double {
    let session = try engine.session(graph)
    session.fillInputs()
    return try LatencyStatistics.measure(warmUp: 3, runs: 15, duration: .zero) {
      try session.run()
    }.median
  }
}
