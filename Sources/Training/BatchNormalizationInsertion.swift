import Execution
import GraphIR
import ObjectDetection
import Tensors

extension Graph {
  /// The network with batch normalisations inserted behind its convolutions.
  ///
  /// It computes the same function.
  ///
  /// The mean μ and variance σ² of each channel of a convolution's output are measured on
  /// calibration images. The normalisation gets `γ = √(σ² + ε)` and `β = μ`. Its running variance
  /// is σ², and its running mean is μ minus the convolution's bias, which the normalisation takes
  /// over. So with stored statistics nothing changes.
  ///
  /// Skipped are convolutions that a normalisation follows already, fixed projections, outputs of
  /// the graph, and the values named `except`.
  ///
  /// - Parameters:
  ///   - except: Outputs of convolutions to leave alone, such as those of the head.
  ///   - images: Inputs `[1, 3, H, W]`, row-major; at least one.
  ///   - shape: The input's shape, `[1, 3, H, W]`.
  /// - Returns: The network, and how many normalisations were inserted.
  /// - Throws: ``TrainingError``, `NodeError`.
  public func insertingBatchNormalization(
    except: Set<String>, calibration images: [[Float]], shape: [Int], engine: Engine
  ) throws -> (graph: Graph, count: Int) {
    guard !images.isEmpty else { throw TrainingError.noImages }
    var result = withConstantsAsInitializers()
    let normalized = Set(
      result.nodes.filter { $0.qualifiedType == "BatchNormalization" }.compactMap {
        $0.inputs.first
      })
    let ends = Set(result.outputs.map(\.name))
    let learnt = Set(TrainableParameter.all(in: result, registry: engine.registry).map(\.name))
    let places = result.nodes.indices.filter { index in
      let node = result.nodes[index]
      return node.qualifiedType == "Conv" && node.outputs.count == 1
        && !except.contains(node.outputs[0]) && !ends.contains(node.outputs[0])
        && !normalized.contains(node.outputs[0])
        && learnt.contains(node.inputs[1])
    }
    let names = places.map { result.nodes[$0].outputs[0] }
    let moments = try result.moments(of: names, images, shape: shape, engine: engine)
    for (place, (mean, variance)) in zip(places, moments) {
      result.normalize(
        result.nodes[place].outputs[0], mean: mean, variance: variance, behind: place)
    }
    try result.sortTopologically()
    result.removeDeadNodes()
    return (result, names.count)
  }

  private static let epsilon = 1e-3

  /// Inserts a normalisation behind the value of a convolution.
  ///
  /// Readers of the value read its output instead.
  private mutating func normalize(
    _ value: String, mean: [Double], variance: [Double], behind convolution: Int
  ) {
    var running = mean
    if nodes[convolution].inputs.count > 2,
      let bias = initializers[nodes[convolution].inputs[2]]?.tensor, bias.count == mean.count
    {
      running = zip(mean, bias.floats).map { $0 - Double($1) }
      nodes[convolution].inputs.removeLast()
    }
    let output = freshName("\(value)/normalized")
    func constant(_ part: String, _ values: [Double]) -> String {
      let name = freshName("\(value)/bn.\(part)")
      initializers[name] = Initializer(Tensor(values.map(Float.init)))
      return name
    }
    replaceUses(of: value, with: output)
    let inputs = [
      value, constant("weight", variance.map { ($0 + Self.epsilon).squareRoot() }),
      constant("bias", mean), constant("running_mean", running), constant("running_var", variance),
    ]
    nodes.append(
      Node(
        "BatchNormalization", name: output, inputs: inputs, outputs: [output],
        attributes: ["epsilon": .float(Float(Self.epsilon))]))
  }

  /// Mean and variance of each channel of some values over all images and pixels.
  private func moments(
    of names: [String], _ images: [[Float]], shape: [Int], engine: Engine
  ) throws -> [(mean: [Double], variance: [Double])] {
    let planar = takingPlanarImages()
    guard let input = planar.requiredInputs.first?.name, planar.requiredInputs.count == 1 else {
      throw TrainingError.noImageInput(found: requiredInputs.map(\.name))
    }
    var engine = engine
    engine.inputShapes = [input: shape]
    let session = try engine.session(planar, taps: names, isRewritten: false, checksTaps: true)
    guard let target: UnsafeMutableBufferPointer<Float> = session.input(input)?.elements() else {
      throw TrainingError.noImageInput(found: [input])
    }
    var sums = try names.map { name -> (sum: [Double], square: [Double], count: Double) in
      guard let channels = session.outputView(name)?.shape[1] else {
        throw TrainingError.unknownValue(name)
      }
      let zeros = [Double](repeating: 0, count: channels)
      return (zeros, zeros, 0)
    }
    for image in images {
      guard image.count == target.count else {
        throw TrainingError.imageSize(expected: shape, found: image.count)
      }
      for index in image.indices { target[index] = image[index] }
      try session.run()
      for (place, name) in names.enumerated() {
        guard let view = session.outputView(name) else { continue }
        let values: UnsafeMutableBufferPointer<Float> = view.elements()
        let pixels = view.shape.dropFirst(2).reduce(1, *)
        for channel in sums[place].sum.indices {
          var (sum, square) = (0.0, 0.0)
          for index in channel * pixels..<(channel + 1) * pixels {
            let value = Double(values[index])
            sum += value
            square += value * value
          }
          sums[place].sum[channel] += sum
          sums[place].square[channel] += square
        }
        sums[place].count += Double(pixels)
      }
    }
    return sums.map { sums in
      let mean = sums.sum.map { $0 / sums.count }
      let variance = zip(sums.square, mean).map { max($0 / sums.count - $1 * $1, 0) }
      return (mean, variance)
    }
  }
}
