import Tensors

/// The units in which a weight tensor is pruned, each with its score.
///
/// A unit is one weight, or a block of weights whose score is the mean of theirs. For N:M patterns
/// the units are the weights that must become zero in each group; all of them are pruned.
struct WeightUnits {
  /// The score of each unit.
  private(set) var scores: [Float]
  /// Flat indices of the weights of unit u: `members[starts[u] ..< starts[u + 1]]`; empty for
  /// single weights.
  private var members: [Int32] = []
  private var starts: [Int32] = []

  init(_ weight: PrunableWeights.Weight, scores weightScores: [Float], pattern: SparsityPattern) {
    let layout = ChannelLayout(weight)
    switch pattern {
    case .unstructured:
      scores = weightScores
    case .keep(let kept, let group):
      scores = []
      for row in layout.groups(outputs: 1, inputs: group) where row.count == group {
        let order = row.sorted { (weightScores[$0], $0) < (weightScores[$1], $1) }
        for index in order.prefix(group - kept) {
          scores.append(weightScores[index])
          starts.append(Int32(members.count))
          members.append(Int32(index))
        }
      }
      starts.append(Int32(members.count))
    case .block(let outputs, let inputs):
      scores = []
      for block in layout.groups(outputs: outputs, inputs: inputs) {
        scores.append(block.reduce(0) { $0 + weightScores[$1] } / Float(block.count))
        starts.append(Int32(members.count))
        members += block.map(Int32.init)
      }
      starts.append(Int32(members.count))
    }
  }

  /// The flat indices of a unit's weights.
  func weights(of unit: Int) -> [Int] {
    if starts.isEmpty { return [unit] }
    return members[Int(starts[unit])..<Int(starts[unit + 1])].map(Int.init)
  }

  /// The number of a unit's weights.
  func size(of unit: Int) -> Int {
    starts.isEmpty ? 1 : Int(starts[unit + 1] - starts[unit])
  }

  /// The flat indices of the `count` least important weights; with blocks, of at most so many.
  func leastImportant(_ count: Int) -> [Int] {
    guard count > 0 else { return [] }
    var indices: [Int] = []
    indices.reserveCapacity(count)
    for unit in order {
      guard indices.count + size(of: unit) <= count else { break }
      indices += weights(of: unit)
    }
    return indices
  }

  /// Replaces each score by its square divided by the sum of all squares that are not smaller.
  mutating func adaptToLayer() {
    var rest = scores.reduce(0.0) { $0 + Double($1) * Double($1) }
    for unit in order {
      let square = Double(scores[unit]) * Double(scores[unit])
      scores[unit] = rest > 0 ? Float(min(1, square / rest)) : 0
      rest -= square
    }
  }

  /// The units from the least important on; equal scores in row-major order.
  private var order: [Int] { scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) } }
}

/// The layout of a weight tensor as output channels × input channels × other axes.
struct ChannelLayout {
  let outputs: Int
  let inputs: Int
  private let outputStride: Int
  private let inputStride: Int
  private let rest: [Int]

  init(_ weight: PrunableWeights.Weight) {
    let shape = weight.tensor.shape
    let strides = shape.contiguousStrides
    outputs = shape[weight.outputAxis]
    inputs = shape[weight.inputAxis]
    outputStride = strides[weight.outputAxis]
    inputStride = strides[weight.inputAxis]
    var offsets = [0]
    for axis in shape.indices where axis != weight.outputAxis && axis != weight.inputAxis {
      offsets = offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
    }
    rest = offsets
  }

  /// Flat indices of every rectangle of channels at every kernel position; cut at the edges.
  func groups(outputs rows: Int, inputs columns: Int) -> [[Int]] {
    var result: [[Int]] = []
    for output in stride(from: 0, to: outputs, by: rows) {
      for input in stride(from: 0, to: inputs, by: columns) {
        for offset in rest {
          result.append(
            (output..<min(output + rows, outputs)).flatMap { o in
              (input..<min(input + columns, inputs)).map { i in
                offset + o * outputStride + i * inputStride
              }
            })
        }
      }
    }
    return result
  }
}
