import Tensors

extension LowRankMethod {
  /// The same convolution in groups, with channels grouped such that most energy stays within
  /// groups.
  ///
  /// Channels are divided into g groups of equal size. Outputs and inputs are assigned in turn,
  /// then exchanged as long as that raises `Σ W[o, i]²` within groups, from several seeded starts.
  /// Where the order of channels changes, a Gather before the convolution and one after it permute
  /// them. The rank is g, counted downwards: 1 is the original layer. With calibration images the
  /// weights are refitted to the layer's responses.
  ///
  /// Reference: the idea of learned groups is that of Huang et al., *CondenseNet*, CVPR 2018,
  /// arXiv:1711.09224, which trains them. Here they are chosen from trained weights.
  public static let group = LowRankMethod(
    name: "group", summary: "a convolution in groups of channels that belong together, fitted",
    ranksAreWidths: false,
    refusal: { layer in
      if layer.kind == .product { return "group is for convolutions" }
      return GroupedFactorization.divisors(layer).count > 1
        ? nil : "the channels cannot be divided into groups"
    },
    factorization: { layer, context in GroupedFactorization(layer, context) })
}

/// A layer's weights in groups.
private struct GroupedFactorization: Factorization {
  let layer: FactorizableLayer
  let context: FactorizationContext
  /// `Σ W[o, i, ·]²`, `[O, I]`.
  let energies: [Double]

  init(_ layer: FactorizableLayer, _ context: FactorizationContext) {
    (self.layer, self.context) = (layer, context)
    let k = layer.kernelCount
    energies = (0..<layer.outputs * layer.inputs).map { place in
      layer.matrix[place * k..<(place + 1) * k].reduce(0) { $0 + Double($1) * Double($1) }
    }
  }

  /// Numbers of groups, the largest first.
  static func divisors(_ layer: FactorizableLayer) -> [Int] {
    (1...min(layer.outputs, layer.inputs)).reversed().filter {
      layer.outputs % $0 == 0 && layer.inputs % $0 == 0
    }
  }

  var ranks: [[Int]] { Self.divisors(layer).map { [$0] } }
  var spectra: [[Double]] { [] }

  /// Two groups, or the smallest possible number.
  func automaticRank() -> [Int] { [Self.divisors(layer).dropLast().last ?? 1] }

  func stages(_ rank: [Int]) -> [FactorStage] {
    [
      .windowed(
        "grouped", layer.outputs, layer.inputs, kernel: layer.kernel,
        axes: Array(layer.kernel.indices), groups: rank[0])
    ]
  }

  func reconstructionError(_ rank: [Int]) -> Double {
    let total = energies.reduce(0, +)
    guard total > 0, rank[0] > 1 else { return 0 }
    return max(0, 1 - ChannelGroups.best(self, groups: rank[0]).kept / total).squareRoot()
  }

  func factors(_ rank: [Int]) -> LayerFactors {
    let (g, i, k) = (rank[0], layer.inputs, layer.kernelCount)
    guard g > 1 else { return LayerFactors(stages(rank), weights: [layer.matrix]) }
    let groups = ChannelGroups.best(self, groups: g)
    let inputs = Self.order(groups.inputs, groups: g)
    let outputs = Self.order(groups.outputs, groups: g)
    let (part, share) = (i / g, layer.outputs / g)
    var weights: [Float] = []
    weights.reserveCapacity(layer.parameters / g)
    var places = [Int](repeating: 0, count: outputs.count)
    for (place, output) in outputs.enumerated() {
      places[output] = place
      let first = place / share * part
      for input in inputs[first..<first + part] {
        let start = (output * i + input) * k
        weights += layer.matrix[start..<start + k]
      }
    }
    return LayerFactors(
      stages(rank), weights: [weights],
      inputOrder: inputs == Array(0..<i) ? nil : inputs,
      outputOrder: places == Array(0..<layer.outputs) ? nil : places)
  }

  /// Channels by group.
  private static func order(_ assignment: [Int], groups: Int) -> [Int] {
    (0..<groups).flatMap { group in assignment.indices.filter { assignment[$0] == group } }
  }

  func exactFactors() -> LayerFactors { factors([1]) }
}

/// An assignment of channels to groups of equal size.
private struct ChannelGroups {
  var outputs: [Int]
  var inputs: [Int]
  /// Energy within groups.
  var kept: Double

  /// The best of several starts: first the channels in their order, then clusters around random
  /// channels.
  static func best(_ layer: GroupedFactorization, groups: Int) -> ChannelGroups {
    var best: ChannelGroups?
    for start in 0...3 {
      let order = start == 0 ? Array(0..<layer.layer.inputs) : clusters(layer, groups, start)
      let one = ChannelGroups(layer, groups: groups, order: order)
      if one.kept > best?.kept ?? -1 { best = one }
    }
    return best ?? ChannelGroups(outputs: [], inputs: [], kept: 0)
  }

  /// Input channels by groups.
  ///
  /// Each group is clustered around a channel by the similarity of the outputs that read it.
  private static func clusters(
    _ layer: GroupedFactorization, _ groups: Int, _ start: Int
  ) -> [Int] {
    let (o, i) = (layer.layer.outputs, layer.layer.inputs)
    let profiles = (0..<i).map { input -> [Double] in
      let values = (0..<o).map { layer.energies[$0 * i + input] }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return values.map { norm > 0 ? $0 / norm : 0 }
    }
    var random = CounterRandom(seed: layer.context.seed, stream: UInt64(start))
    var left = Array(0..<i).shuffled(using: &random)
    var order: [Int] = []
    for _ in 0..<groups {
      let first = profiles[left[0]]
      let likeness = left.map { channel in
        zip(first, profiles[channel]).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let nearest = left.indices.sorted { (likeness[$1], $0) < (likeness[$0], $1) }.prefix(
        i / groups)
      order += nearest.map { left[$0] }
      let gone = Set(nearest)
      left = left.indices.filter { !gone.contains($0) }.map { left[$0] }
    }
    return order
  }

  private init(outputs: [Int], inputs: [Int], kept: Double) {
    (self.outputs, self.inputs, self.kept) = (outputs, inputs, kept)
  }

  private init(_ layer: GroupedFactorization, groups: Int, order: [Int]) {
    let (o, i) = (layer.layer.outputs, layer.layer.inputs)
    let energies = layer.energies
    inputs = Array(repeating: 0, count: i)
    outputs = Array(repeating: 0, count: o)
    kept = 0
    for (place, channel) in order.enumerated() { inputs[channel] = place / (i / groups) }
    for _ in 0..<Self.sweeps {
      let before = kept
      outputs =
        Self.assign(count: o, groups: groups) { output, sums in
          for input in 0..<i { sums[inputs[input]] += energies[output * i + input] }
        }.groups
      let result = Self.assign(count: i, groups: groups) { input, sums in
        for output in 0..<o { sums[outputs[output]] += energies[output * i + input] }
      }
      (inputs, kept) = (result.groups, result.kept)
      if kept <= before * (1 + 1e-9) { break }
    }
  }

  private static let sweeps = 20

  /// Assigns channels to groups of equal size such that much of each channel's energy is in its
  /// group.
  ///
  /// Channels with the most to lose choose first. Then pairs are exchanged while that helps.
  private static func assign(
    count: Int, groups: Int, _ add: (Int, inout [Double]) -> Void
  ) -> (groups: [Int], kept: Double) {
    let sums = (0..<count).map { channel in
      var sums = [Double](repeating: 0, count: groups)
      add(channel, &sums)
      return sums
    }
    func regret(_ channel: Int) -> Double {
      let sorted = sums[channel].sorted(by: >)
      return sorted[0] - (sorted.count > 1 ? sorted[1] : 0)
    }
    let regrets = (0..<count).map(regret)
    var room = [Int](repeating: count / groups, count: groups)
    var result = [Int](repeating: 0, count: count)
    for channel in (0..<count).sorted(by: { (regrets[$1], $0) < (regrets[$0], $1) }) {
      var best = -1
      for group in 0..<groups where room[group] > 0 {
        if best < 0 || sums[channel][group] > sums[channel][best] { best = group }
      }
      result[channel] = best
      room[best] -= 1
    }
    exchange(&result, sums)
    return (result, (0..<count).reduce(0) { $0 + sums[$1][result[$1]] })
  }

  private static func exchange(_ groups: inout [Int], _ sums: [[Double]]) {
    var isBetter = true
    for _ in 0..<sweeps where isBetter {
      isBetter = false
      for a in groups.indices {
        for b in (a + 1)..<max(groups.count, a + 1) where groups[a] != groups[b] {
          let now = sums[a][groups[a]] + sums[b][groups[b]]
          let then = sums[a][groups[b]] + sums[b][groups[a]]
          if then > now * (1 + 1e-12) {
            groups.swapAt(a, b)
            isBetter = true
          }
        }
      }
    }
  }
}
