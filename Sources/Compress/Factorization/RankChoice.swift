import Execution
import Foundation
import GraphIR
import LowRank
import Operators
import Tensors

/// Decides which layers are factorised at which rank: by a rule or a budget, and only where something is gained.
struct RankChoice {
  let graph: Graph
  let operands: [String: Operand]
  let candidates: [LayerCandidate]
  let options: LowRankOptions
  let common: CommonOptions
  /// The cost of the whole model.
  let cost: ModelCost
  /// What the loss of a layer at a rank is; `nil` for that of the weights' error.
  var damage: ((LayerCandidate, [Int]) throws -> Double)?

  /// A layer that is factorised.
  struct Choice {
    var candidate: LayerCandidate
    var rank: [Int]
    var factors: LayerFactors
    var error: Double
    var timing: LayerTiming?
  }

  /// What was decided.
  struct Outcome {
    var choices: [Choice] = []
    var skipped: [FactorizableLayers.Skipped] = []
    var isTargetMet = true
  }

  private var multiple: Int { options.roundTo ?? 8 }
  private var pool: ThreadPool { ThreadPool(threads: common.threadCount) }

  /// Decides.
  func choose(replaying known: [(LayerCandidate, [Int])]? = nil) throws -> Outcome {
    if let known { return try settle(known, checks: false) }
    if options.sparsity != nil || options.targetMacs != nil { return try withinBudget() }
    let rule = try options.rule()
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

  private func progress(_ what: String, _ total: Int) -> ProgressBar {
    ProgressBar(what, total: total, unit: "layers", isShown: common.showsProgress)
  }

  // MARK: Gains

  /// Factorises, and drops what gains too little.
  private func settle(
    _ wanted: [(LayerCandidate, [Int])], checks: Bool
  ) throws -> Outcome {
    var outcome = Outcome()
    let bar = progress("factorising", wanted.count)
    defer { bar.finish() }
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
      bar.update(index + 1)
    }
    return outcome
  }

  /// Why a layer is not worth factorising; `nil` when it is.
  private func objection(_ choice: inout Choice) throws -> String? {
    let (layer, stages) = (choice.candidate.layer, choice.factors.stages)
    let least = options.minGain ?? 0
    let gain: Double
    switch options.gain ?? .latency {
    case .parameters: gain = 1 - Double(stages.parameters) / Double(layer.parameters)
    case .macs: gain = 1 - Double(stages.macs(for: layer)) / Double(layer.macs)
    case .latency:
      let timing = try LayerTiming(
        layer, choice.factors, in: graph, operands: operands, threads: common.threadCount)
      (choice.timing, gain) = (timing, timing.gain)
    }
    guard gain <= 0 || gain < least else { return nil }
    let quantity = (options.gain ?? .latency).rawValue
    return gain <= 0
      ? "no gain in \(quantity)" : "gains less than \(Format.percent(least)) of its \(quantity)"
  }

  // MARK: Budgets

  /// Shares the budget out, strikes what gains nothing, and shares it out again until all that is left gains.
  private func withinBudget() throws -> Outcome {
    let countsMacs = options.targetMacs != nil
    // A layer that several methods take has the ranks of all.
    var layers: [[RankBudget.Candidate]] = []
    var first: [Int] = []
    let bar = progress("weighing ranks", candidates.count)
    for (index, candidate) in candidates.enumerated() {
      if index == 0 || candidates[index - 1].layer.weight != candidate.layer.weight {
        layers.append([whole(candidate.layer, countsMacs)])
        first.append(index)
      }
      layers[layers.count - 1] += try ladder(index, countsMacs)
      bar.update(index + 1)
    }
    bar.finish()
    let own = layers.reduce(0) { $0 + $1[0].cost }
    let budget = try target() - (Double(countsMacs ? cost.macs : cost.parameters) - own)
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

  /// What the layers may cost together with all that is no layer.
  private func target() throws -> Double {
    if let macs = options.targetMacs { return Double(try ChannelOptions.macs(macs, of: cost.macs)) }
    return (1 - (options.sparsity ?? 0)) * Double(cost.parameters)
  }

  /// What a candidate may be within a budget.
  private func ladder(_ index: Int, _ countsMacs: Bool) throws -> [RankBudget.Candidate] {
    let candidate = candidates[index]
    let ranks = candidate.ladder(
      count: damage == nil ? Self.ladderCount : Self.measuredCount, multiple: multiple)
    // Damages are measured one after the other: their sessions use all threads, and their file is one.
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

  /// Ranks of a layer that a budget chooses from.
  private static let ladderCount = 12
  /// The same where each must be measured.
  private static let measuredCount = 4
}
