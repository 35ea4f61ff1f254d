import GraphIR
import Tensors

/// Reads the patches and responses of a layer whose weights can be refitted.
///
/// A grouped convolution counts as one layer for each group, each with its own channels.
public struct PatchReader: Sendable {
  /// The layer's rules.
  public let rules: any WeightedOperator
  /// The layer's input.
  public let source: String
  /// The layer's output.
  public let output: String
  /// Input channels.
  public let channels: Int
  /// Output channels.
  public let outputs: Int
  /// Groups of channels; 1 for matrix products.
  public let groups: Int
  /// Kernel positions.
  public let kernel: Int
  /// Whether the weights are stored as `[inputs, outputs]`.
  private let isTransposed: Bool
  /// Rows and columns of a window; `nil` for matrix products.
  private let window: PatchWindow?
  private let sourceShape: [Int]
  private let outputShape: [Int]

  /// A reader of a layer.
  ///
  /// It is `nil` for layers whose weights are not refitted: transposed convolutions, convolutions
  /// that are not two-dimensional, products of activations, and weights that are not float32.
  ///
  /// - Parameters:
  ///   - rules: The node's rules.
  ///   - weights: The constant that the node reads.
  ///   - input: The index of the activations among the node's inputs.
  ///   - operands: What is known of the graph's values.
  public init?(
    _ node: Node, _ rules: any WeightedOperator, weights: Tensor, input: Int = 0,
    operands: [String: Operand]
  ) {
    guard weights.elementType == .float32, input == 0,
      let source = operands[node.inputs[0]], let output = operands[node.outputs[0]],
      source.elementType == .float32
    else { return nil }
    switch rules.arithmetic {
    case .convolution(let groups, isTransposed: false):
      guard weights.shape.count == 4, source.shape.count == 4, source.shape[0] == 1,
        let window = rules.patchWindow(x: source.shape, w: weights.shape)
      else { return nil }
      self.window = window
      self.groups = groups
      isTransposed = false
      outputs = weights.shape[0]
      channels = weights.shape[1] * groups
    case .product(transposesA: false, let transposesB):
      guard weights.shape.count == 2 else { return nil }
      window = nil
      groups = 1
      isTransposed = !transposesB
      channels = weights.shape[isTransposed ? 0 : 1]
      outputs = weights.shape[isTransposed ? 1 : 0]
    default: return nil
    }
    kernel = weights.count * groups / max(outputs * channels, 1)
    (self.source, self.output) = (node.inputs[0], node.outputs[0])
    (sourceShape, outputShape, self.rules) = (source.shape, output.shape, rules)
  }

  /// The number of elements of a patch, all groups together.
  public var depth: Int { channels * kernel }
  /// The number of weights of one output.
  public var weightsPerOutput: Int { depth / groups }
  /// Whether responses are planes of positions, and not rows of outputs.
  public var isPlanar: Bool { window != nil }
  /// The number of positions of one image's response.
  public var places: Int {
    window == nil
      ? outputShape.dropLast().reduce(1, *) : outputShape[2] * outputShape[3]
  }

  /// At most `wanted` of an image's positions, the same for the same random numbers.
  public func positions(_ wanted: Int, random: CounterRandom) -> [Int] {
    guard wanted < places else { return Array(0..<places) }
    var random = random
    return (0..<wanted).map { _ in Int.random(in: 0..<places, using: &random) }
  }

  /// The weights as `[outputs, channels / groups · kernel]`.
  public func matrix(_ tensor: Tensor) -> [Float] {
    let values = tensor.floats
    guard isTransposed else { return values }
    return (0..<outputs).flatMap { output in
      (0..<channels).map { values[$0 * outputs + output] }
    }
  }

  /// The constant that holds a matrix `[outputs, channels / groups · kernel]`.
  public func tensor(_ matrix: [Float], like tensor: Tensor) -> Tensor {
    guard isTransposed else { return Tensor(matrix, shape: tensor.shape) }
    let values = (0..<channels).flatMap { channel in
      (0..<outputs).map { matrix[$0 * channels + channel] }
    }
    return Tensor(values, shape: tensor.shape)
  }

  /// The layer's input at some positions, `[positions, depth]`.
  public func patches(_ view: TensorView, at positions: [Int]) -> [Float] {
    let x = view.base.assumingMemoryBound(to: Float.self)
    guard let window else {
      return positions.flatMap { row in (0..<channels).map { x[row * channels + $0] } }
    }
    let (height, width) = (sourceShape[2], sourceShape[3])
    var result = [Float](repeating: 0, count: positions.count * depth)
    result.withUnsafeMutableBufferPointer { result in
      for (index, position) in positions.enumerated() {
        let top = position / outputShape[3] * window.strides[0] - window.pads[0]
        let left = position % outputShape[3] * window.strides[1] - window.pads[1]
        for row in 0..<window.extents[0] {
          let y = top + row * window.dilations[0]
          guard y >= 0, y < height else { continue }
          for column in 0..<window.extents[1] {
            let at = left + column * window.dilations[1]
            guard at >= 0, at < width else { continue }
            let place = index * depth + row * window.extents[1] + column
            for channel in 0..<channels {
              result[place + channel * kernel] = x[(channel * height + y) * width + at]
            }
          }
        }
      }
    }
    return result
  }

  /// A value of the layer's output shape at some positions, `[positions, outputs]`.
  public func responses(_ view: TensorView, at positions: [Int]) -> [Float] {
    let y = view.base.assumingMemoryBound(to: Float.self)
    if window == nil {
      return positions.flatMap { row in (0..<outputs).map { y[row * outputs + $0] } }
    }
    let plane = places
    return positions.flatMap { position in (0..<outputs).map { y[$0 * plane + position] } }
  }

  // MARK: Moments

  /// Empty moments for each group, which is fitted separately.
  public func emptyMoments() -> [PatchMoments] {
    (0..<groups).map { _ in PatchMoments(depth: depth / groups, outputs: outputs / groups) }
  }

  /// Adds positions to the moments.
  ///
  /// - Parameter weights: The weight of each position; empty where all are 1.
  public func add(
    patches: [Float], responses: [Float], weights: [Float] = [], to moments: inout [PatchMoments],
    pool: ThreadPool
  ) {
    guard groups > 1 else {
      return moments[0].add(patches: patches, responses: responses, weights: weights, pool: pool)
    }
    let rows = responses.count / outputs
    let (part, share) = (depth / groups, outputs / groups)
    for group in 0..<groups {
      var own: [Float] = []
      var answers: [Float] = []
      for row in 0..<rows {
        let start = row * depth + group * part
        own += patches[start..<start + part]
        let first = row * outputs + group * share
        answers += responses[first..<first + share]
      }
      moments[group].add(patches: own, responses: answers, weights: weights, pool: pool)
    }
  }
}
