import GraphIR
import Tensors

/// Ranks the weights of a tensor by the order in which they become zero.
struct WeightRanking {
  var criterion: WeightCriterion
  var pattern: SparsityPattern
  var seed: UInt64

  /// The units of a weight with their scores.
  ///
  /// - Throws: `NotFinite`.
  func units(of weight: PrunableWeights.Weight) throws -> WeightUnits {
    WeightUnits(weight, scores: try scores(of: weight), pattern: pattern)
  }

  /// The score of each weight of a tensor.
  ///
  /// - Throws: `NotFinite`.
  func scores(of weight: PrunableWeights.Weight) throws -> [Float] {
    let values = weight.tensor.floats
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw NotFinite.weight(
        name: weight.name, node: weight.layer, element: weight.tensor.shape.indices(of: index),
        number: "\(values[index])")
    }
    var random = CounterRandom(seed: seed, stream: WeightFingerprint.hash(of: weight.name))
    return criterion.scores(values, &random)
  }
}

/// Identifies the weights of a model: FNV-1a over names, shapes and bytes.
struct WeightFingerprint {
  let text: String

  init(_ weights: [PrunableWeights.Weight]) {
    self.init(weights.map { ($0.name, $0.tensor) })
  }

  init(_ weights: [(name: String, tensor: Tensor)]) {
    var state = Self.offset
    for (name, tensor) in weights {
      Self.add(Array(name.utf8), to: &state)
      for extent in tensor.shape { Self.add(Array("\(extent),".utf8), to: &state) }
      tensor.withUnsafeBytes { bytes in
        for byte in bytes { state = (state ^ UInt64(byte)) &* Self.prime }
      }
    }
    text = String(state, radix: 16)
  }

  /// A hash of a text that is the same in every process.
  static func hash(of text: String) -> UInt64 {
    var state = offset
    add(Array(text.utf8), to: &state)
    return state
  }

  private static let offset: UInt64 = 0xcbf2_9ce4_8422_2325
  private static let prime: UInt64 = 0x100_0000_01b3

  private static func add(_ bytes: [UInt8], to state: inout UInt64) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* prime }
  }
}
