import Execution
import Foundation
import GraphIR
import Tensors

/// Chooses the layers to factorise and their ranks: by a rule or a budget, and only where that
/// saves something.
struct RankChoice {
  let graph: Graph
  let operands: [String: Operand]
  let candidates: [LayerCandidate]
  let configuration: LowRankFactorization.Configuration
  let engine: Engine
  /// The cost of the whole model.
  let cost: ModelCost
  /// The loss of a layer at a rank; `nil` for the loss by the weights' error.
  var damage: ((LayerCandidate, [Int]) throws -> Double)?

  /// A layer that is factorised.
  struct Choice {
    var candidate: LayerCandidate
    var rank: [Int]
    var factors: LayerFactors
    var error: Double
    var timing: LayerTiming?
  }

  /// The result of the choice.
  struct Outcome {
    var choices: [Choice] = []
    var skipped: [FactorizableLayers.Skipped] = []
    var isTargetMet = true
  }

  private var multiple: Int { configuration.multiple }
  private var pool: ThreadPool { ThreadPool(threads: engine.threads) }

  /// Makes the choice.
  func choose(replaying known: [(LayerCandidate, [Int])]? = nil) throws -> Outcome {
    if let known { return try settle(known, checks: false) }
    guard case .rule(let rule) = configuration.target else { return try withinBudget() }
    var outcome = Outcome()
    var wanted: [(LayerCandidate, [Int])] = []
    let ranks = try pool.map(candidates.count) { index in
      try candidates[index].rank(by: rule, multiple: multiple)
    }
    for (candidate, rank) in zip(candidates, ranks) {
      if let objection = candidate.objection(to: rank) {
        outcome.skipped.append(.init(weight: candidate.layer.weight, reason: objection))
      } else {
        wanted.append((candidate, rank))
      }
    }
    let settled = try settle(wanted, checks: true)
    outcome.choices = settled.choices
    outcome.skipped += settled.skipped
    return outcome
  }

  // MARK: Gains

  /// Factorises, and drops layers that save too little.
  private func settle(
    _ wanted: [(LayerCandidate, [Int])], checks: Bool
  ) throws -> Outcome {
    try engine.progress.job("factorising", total: wanted.count, unit: "layers") { done in
      var outcome = Outcome()
      let made = try pool.map(wanted.count) { try wanted[$0].0.factorization.factors(wanted[$0].1) }
      for (index, (candidate, rank)) in wanted.enumerated() {
        let factors = made[index]
        var choice = Choice(
          candidate: candidate, rank: rank, factors: factors,
          error: candidate.layer.error(of: factors), timing: nil)
        if checks, let objection = try objection(&choice) {
          outcome.skipped.append(.init(weight: candidate.layer.weight, reason: objection))
        } else {
          outcome.choices.append(choice)
        }
        done(index + 1)
      }
      return outcome
    }
  }

  /// Why a layer is not worth factorising; `nil` when it is.
  private func objection(_ choice: inout Choice) throws -> String? {
    let (layer, stages) = (choice.candidate.layer, choice.factors.stages)
    let (quantity, least) = (configuration.gain, configuration.leastGain)
    let gain: Double
    switch quantity {
    case .parameters: gain = 1 - Double(stages.parameters) / Double(layer.parameters)
    case .macs: gain = 1 - Double(stages.macs(for: layer)) / Double(layer.macs)
    case .latency:
      let timing = try LayerTiming(
        layer, choice.factors, in: graph, operands: operands, engine: engine)
      (choice.timing, gain) = (timing, timing.gain)
    }
    guard gain <= 0 || gain < least else { return nil }
    return gain <= 0
      ? "no gain in \(quantity)"
      : "gains less than \(String(format: "%.1f %%", 100 * least)) of its \(quantity)"
  }

  // MARK: Budgets

  /// Distributes the budget, drops layers that save nothing, and distributes it again until all
  /// chosen layers save something.
  private func withinBudget() throws -> Outcome {
    let countsMacs = configuration.target.countsMacs
    // A layer that several methods take has the ranks of all of them.
    var layers: [[RankBudget.Candidate]] = []
    var first: [Int] = []
    try engine.progress.job("weighing ranks", total: candidates.count, unit: "layers") { done in
      for (index, candidate) in candidates.enumerated() {
        if index == 0 || candidates[index - 1].layer.weight != candidate.layer.weight {
          layers.append([whole(candidate.layer, countsMacs)])
          first.append(index)
        }
        layers[layers.count - 1] += try ladder(index, countsMacs)
        done(index + 1)
      }
    }
    let own = layers.reduce(0) { $0 + $1[0].cost }
    let budget =
      configuration.target.budget(of: cost)
      - (Double(countsMacs ? cost.macs : cost.parameters) - own)
    var reasons: [Int: String] = [:]
    var cached: [String: Choice] = [:]
    while true {
      let (chosen, isMet) = RankBudget.choose(layers, budget: budget)
      var outcome = Outcome(isTargetMet: isMet)
      var isSettled = true
      for (place, choice) in chosen.enumerated() {
        guard let rank = choice.rank else {
          outcome.skipped.append(
            .init(
              weight: candidates[first[place]].layer.weight,
              reason: reasons[place] ?? "whole within the budget"))
          continue
        }
        let key = "\(choice.alternative)/\(rank.text)"
        if let known = cached[key] {
          outcome.choices.append(known)
          continue
        }
        let settled = try settle([(candidates[choice.alternative], rank)], checks: true)
        if let made = settled.choices.first {
          cached[key] = made
          outcome.choices.append(made)
        } else {
          layers[place].removeAll { $0.rank == rank && $0.alternative == choice.alternative }
          reasons[place] = settled.skipped.first?.reason
          isSettled = false
        }
      }
      if isSettled { return outcome }
    }
  }

  private func whole(_ layer: FactorizableLayer, _ countsMacs: Bool) -> RankBudget.Candidate {
    .init(rank: nil, cost: Double(countsMacs ? layer.macs : layer.parameters), loss: 0)
  }

  /// The candidates of a layer within a budget.
  private func ladder(_ index: Int, _ countsMacs: Bool) throws -> [RankBudget.Candidate] {
    let candidate = candidates[index]
    let ranks = candidate.ladder(
      count: damage == nil ? Self.ladderCount : Self.measuredCount, multiple: multiple)
    // Damages are measured one after another, because their sessions use all threads and share one
    // file.
    let losses =
      try damage.map { damage in try ranks.map { try damage(candidate, $0) } }
      ?? pool.map(ranks.count) { index in
        RankBudget.loss(error: try candidate.factorization.reconstructionError(ranks[index]))
      }
    return zip(ranks, losses).map { rank, loss in
      let stages = candidate.factorization.stages(rank)
      let cost = countsMacs ? stages.macs(for: candidate.layer) : stages.parameters
      return .init(alternative: index, rank: rank, cost: Double(cost), loss: loss)
    }
  }

  /// The number of ranks of a layer that a budget chooses from.
  private static let ladderCount = 12
  /// The same number where the damage of each rank must be measured.
  private static let measuredCount = 4
}
