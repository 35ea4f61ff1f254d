import Execution
import GraphIR
import Tensors

/// One layer with the method that takes it and its weights prepared.
public struct LayerCandidate: Sendable {
  /// The layer.
  public var layer: FactorizableLayer
  /// The method that takes it.
  public var method: LowRankMethod
  /// Its weights, ready for any rank.
  public var factorization: any Factorization

  /// Prepares each layer by the first method that takes it, or by every such method.
  ///
  /// Layers that no method takes are skipped with the last method's reason.
  ///
  /// - Throws: what factorisations throw.
  public static func prepare(
    _ found: FactorizableLayers, methods: [LowRankMethod], takesAll: Bool = false,
    context: (FactorizableLayer) -> FactorizationContext, threads: Int
  ) throws -> (candidates: [LayerCandidate], skipped: [FactorizableLayers.Skipped]) {
    var (takers, skipped) = ([(layer: FactorizableLayer, method: LowRankMethod)](), found.skipped)
    for layer in found.layers {
      let fitting = methods.filter { $0.refusal(layer) == nil }
      takers += (takesAll ? fitting : Array(fitting.prefix(1))).map { (layer, $0) }
      if fitting.isEmpty, let reason = methods.last?.refusal(layer) {
        skipped.append(.init(weight: layer.weight, reason: reason))
      }
    }
    let contexts = takers.map { context($0.layer) }
    let candidates = try ThreadPool(threads: threads).map(takers.count) { index in
      let (layer, method) = takers[index]
      return LayerCandidate(
        layer: layer, method: method,
        factorization: try method.factorization(layer, contexts[index]))
    }
    return (candidates, skipped)
  }

  /// The rank that a rule chooses, rounded to a multiple where ranks are numbers of channels.
  public func rank(by rule: RankRule, multiple: Int) throws -> [Int] {
    let rank = try rule.choose(layer, factorization)
    return method.ranksAreWidths ? factorization.rounded(rank, to: multiple) : rank
  }

  /// Whether the layer has factors of a rank.
  public func accepts(_ rank: [Int]) -> Bool {
    guard method.ranksAreWidths else { return factorization.ranks.contains(rank) }
    guard let most = factorization.ranks.last, rank.count == most.count else { return false }
    return zip(rank, most).allSatisfy { (1...$1).contains($0) }
  }

  /// Why the factors at a rank save no weights or no multiply–accumulates; `nil` when they save
  /// both.
  public func objection(to rank: [Int]) -> String? {
    let stages = factorization.stages(rank)
    if stages.parameters >= layer.parameters {
      return "the rank that is needed has no fewer weights"
    }
    return stages.macs(for: layer) >= layer.macs
      ? "the rank that is needed takes no fewer MACs" : nil
  }

  /// The ranks that a budget may choose for the layer: at most `count`, spread over those that save
  /// something.
  public func ladder(count: Int, multiple: Int) -> [[Int]] {
    var useful: [[Int]] = []
    for rank in factorization.ranks {
      let width = method.ranksAreWidths ? factorization.rounded(rank, to: multiple) : rank
      if width != useful.last, objection(to: width) == nil { useful.append(width) }
    }
    guard useful.count > count else { return useful }
    return (0..<count).map { useful[($0 + 1) * useful.count / count - 1] }
  }
}

extension [Int] {
  /// The numbers of a rank with × between.
  public var text: String { map(String.init).joined(separator: "×") }
}
