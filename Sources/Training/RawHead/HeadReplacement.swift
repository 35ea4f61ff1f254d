import Foundation
import GraphIR
import ObjectDetection
import Tensors

extension RawHead {
  /// The network with a head for other classes, ending at raw maps.
  ///
  /// The convolutions of class scores are replaced. Their new weights are small and random, and
  /// their biases give each class a probability of 0.01. The convolutions of boxes keep their
  /// weights. Decoding is removed: the outputs are one map `[N, 4·(regMax + 1) + C, H, W]` for each
  /// stride, as ``HeadConfiguration`` in the metadata says.
  ///
  /// - Throws: ``RawHeadError`` for other families than YOLOv8's, and where one convolution makes
  ///   both boxes and classes.
  public func replacingClasses(
    in graph: Graph, with names: [String], seed: UInt64
  ) throws -> Graph {
    let training = HeadFamily.named(configuration.family)?.training
    guard training?.layout == .distributions(scoresFirst: false) else {
      throw RawHeadError.fixedClasses(family: configuration.family)
    }
    var result = graph.withConstantsAsInitializers()
    result.outputs = []
    result.valueTypes = [:]
    var random = CounterRandom(seed: seed, stream: 0x4ead)
    for level in levels {
      guard level.box.map != level.classes.map else {
        throw RawHeadError.shapes(
          family: configuration.family, expected: "a convolution for classes alone",
          found: ["'\(taps[level.box.map])' for boxes and classes"])
      }
      let old = taps[level.classes.map]
      try result.widen(convolution: old, to: names.count, random: &random)
      let joined = result.freshName("stride\(level.stride)")
      result.nodes.append(
        Node(
          "Concat", name: joined, inputs: [taps[level.box.map], old], outputs: [joined],
          attributes: ["axis": .int(1)]))
      result.outputs.append(ValueInfo(name: joined, type: .undeclared))
    }
    try result.sortTopologically()
    result.removeDeadNodes()
    var settings = configuration
    settings.classes = names
    settings.strides = levels.map(\.stride)
    (settings.regMax, settings.isDecoded, settings.anchors) = (regMax, false, [])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    result.properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(settings), as: UTF8.self)
    result.properties.metadata["names"] = nil
    return result
  }
}

extension Graph {
  /// Gives the convolution that makes a value new weights, for another number of output channels.
  fileprivate mutating func widen(
    convolution output: String, to channels: Int, random: inout CounterRandom
  ) throws {
    guard let index = nodes.firstIndex(where: { $0.outputs.first == output }),
      let old = initializers[nodes[index].inputs[1]]?.tensor
    else { throw TrainingError.unknownValue(output) }
    let shape = [channels] + old.shape.dropFirst()
    let deviation = 0.1 * (2 / Float(shape.dropFirst().reduce(1, *))).squareRoot()
    let values = (0..<shape.reduce(1, *)).map { _ in
      // The sum of twelve uniform numbers is close enough to normal for initial weights.
      deviation
        * ((0..<12).reduce(Float(0)) { sum, _ in sum + .random(in: 0..<1, using: &random) } - 6)
    }
    let prior = Float(log(0.01 / 0.99))
    let (weight, bias) = (freshName("\(output)/weight"), freshName("\(output)/bias"))
    initializers[weight] = Initializer(Tensor(values, shape: Array(shape)))
    initializers[bias] = Initializer(Tensor([Float](repeating: prior, count: channels)))
    nodes[index].inputs = [nodes[index].inputs[0], weight, bias]
  }
}
