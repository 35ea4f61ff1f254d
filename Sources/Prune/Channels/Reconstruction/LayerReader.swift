import Execution
import GraphIR
import Tensors

/// A layer whose weights can be refitted: how its patches and responses are found at a position.
///
/// A depthwise layer is as many layers of one channel each.
struct LayerReader {
  /// The layer.
  let layer: ChannelCoupling.Consumer
  /// Whether every output channel reads the input channel of its own number alone.
  let isDepthwise: Bool
  /// The value it reads.
  let source: String
  /// The value it makes.
  let output: String
  /// Input channels.
  let channels: Int
  /// Kernel positions.
  let kernel: Int
  /// Output channels.
  let outputs: Int
  /// The constant that holds the weights.
  let weight: String
  /// Whether the weights lie as `[inputs, outputs]`.
  private let isTransposed: Bool
  /// Rows and columns of a window; `nil` for matrix products.
  private let window: Window?
  private let sourceShape: [Int]
  private let outputShape: [Int]

  private struct Window {
    var extents: [Int]
    var strides: [Int]
    var dilations: [Int]
    var pads: [Int]
  }

  /// `nil` for layers whose weights are not refitted: transposed convolutions, those in groups, products of activations.
  init?(_ coupling: ChannelCoupling, _ consumer: ChannelCoupling.Consumer) {
    let node = coupling.graph.nodes[consumer.node]
    let operands = coupling.trace.typed.operands
    guard let name = consumer.weight, let tensor = operands[name]?.constant,
      tensor.elementType == .float32,
      let source = operands[node.inputs[consumer.input]], let output = operands[node.outputs[0]],
      source.elementType == .float32
    else { return nil }
    switch node.qualifiedType {
    case "Conv":
      guard tensor.shape.count == 4, source.shape.count == 4, source.shape[0] == 1,
        let window = Self.window(node, tensor.shape, source.shape, output.shape)
      else { return nil }
      self.window = window
      isTransposed = false
      isDepthwise = consumer.convolutionGroups > 1
      (outputs, channels) = (tensor.shape[0], tensor.shape[1] * consumer.convolutionGroups)
      guard !isDepthwise || outputs == channels && tensor.shape[1] == 1 else { return nil }
    case "MatMul", "Gemm":
      guard consumer.axisFromEnd == 1, consumer.input == 0, tensor.shape.count == 2 else {
        return nil
      }
      window = nil
      isDepthwise = false
      isTransposed = consumer.weightAxis == 0
      channels = tensor.shape[consumer.weightAxis]
      outputs = tensor.shape[1 - consumer.weightAxis]
    default: return nil
    }
    kernel = tensor.count / max(isDepthwise ? outputs : outputs * channels, 1)
    (weight, layer) = (name, consumer)
    (self.source, self.output) = (node.inputs[consumer.input], node.outputs[0])
    (sourceShape, outputShape) = (source.shape, output.shape)
  }

  private static func window(
    _ node: Node, _ w: [Int], _ x: [Int], _ y: [Int]
  ) -> Window? {
    let attributes = node.attributes
    var window = Window(
      extents: [w[2], w[3]], strides: (try? attributes.ints("strides")) ?? [1, 1],
      dilations: (try? attributes.ints("dilations")) ?? [1, 1],
      pads: (try? attributes.ints("pads")) ?? [0, 0, 0, 0])
    let automatic = (try? attributes.string("auto_pad", default: "NOTSET")) ?? "NOTSET"
    if automatic.hasPrefix("SAME") {
      window.pads = (0..<2).map { axis in
        let reach = (w[axis + 2] - 1) * window.dilations[axis] + 1
        let span = (y[axis + 2] - 1) * window.strides[axis] + reach
        let total = max(0, span - x[axis + 2])
        return automatic == "SAME_LOWER" ? (total + 1) / 2 : total / 2
      }
    }
    return window.strides.count == 2 && window.dilations.count == 2 && window.pads.count >= 2
      ? window : nil
  }

  /// Numbers in a patch.
  var depth: Int { channels * kernel }
  /// Weights that one output has.
  var weightsPerOutput: Int { isDepthwise ? kernel : depth }

  /// Positions of one image's response.
  private var places: Int {
    window == nil
      ? outputShape.dropLast().reduce(1, *) : outputShape[2] * outputShape[3]
  }

  /// The positions that are looked at in an image, the same in every run.
  func positions(_ image: Int, wanted: Int, seed: UInt64) -> [Int] {
    guard wanted < places else { return Array(0..<places) }
    var random = CounterRandom(seed: seed, stream: UInt64(layer.node) << 32 | UInt64(image))
    return (0..<wanted).map { _ in Int.random(in: 0..<places, using: &random) }
  }

  /// The weights as `[outputs, channels · kernel]`.
  func matrix(_ tensor: Tensor) -> [Float] {
    let values = tensor.floats
    guard isTransposed else { return values }
    return (0..<outputs).flatMap { output in
      (0..<channels).map { values[$0 * outputs + output] }
    }
  }

  /// The constant that holds a matrix `[outputs, channels · kernel]`.
  func tensor(_ matrix: [Float], like tensor: Tensor) -> Tensor {
    guard isTransposed else { return Tensor(matrix, shape: tensor.shape) }
    let values = (0..<channels).flatMap { channel in
      (0..<outputs).map { matrix[$0 * channels + channel] }
    }
    return Tensor(values, shape: tensor.shape)
  }

  /// What the layer reads at some positions, `[positions, depth]`.
  func patches(_ view: TensorView, at positions: [Int]) -> [Float] {
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
  func responses(_ view: TensorView, at positions: [Int]) -> [Float] {
    let y = view.base.assumingMemoryBound(to: Float.self)
    if window == nil {
      return positions.flatMap { row in (0..<outputs).map { y[row * outputs + $0] } }
    }
    let plane = places
    return positions.flatMap { position in (0..<outputs).map { y[$0 * plane + position] } }
  }

  // MARK: Moments

  /// Moments for what is fitted by itself: the whole layer, or each channel of a depthwise one.
  func emptyMoments() -> [PatchMoments] {
    isDepthwise
      ? (0..<channels).map { _ in PatchMoments(depth: kernel, outputs: 1) }
      : [PatchMoments(depth: depth, outputs: outputs)]
  }

  /// Adds positions to the moments.
  func add(
    patches: [Float], responses: [Float], to moments: inout [PatchMoments], pool: ThreadPool
  ) {
    guard isDepthwise else {
      return moments[0].add(patches: patches, responses: responses, pool: pool)
    }
    let rows = responses.count / outputs
    for channel in 0..<channels {
      var own: [Float] = []
      var answers: [Float] = []
      for row in 0..<rows {
        let start = row * depth + channel * kernel
        own += patches[start..<start + kernel]
        answers.append(responses[row * outputs + channel])
      }
      moments[channel].add(patches: own, responses: answers, pool: pool)
    }
  }
}
