import Execution
import Foundation
import GraphIR
import ObjectDetection
import Tensors

extension RawHead {
  /// The network with a head for other classes.
  ///
  /// The rows of the last convolutions that score classes are drawn again, and everything up to the
  /// outputs that counts classes is fitted to the new number. New weights are small and random. The
  /// biases of sigmoid scores give each class a probability of 0.01, or in heads of anchors
  /// 0.6 / (C − 1). Classes that the head has already, by name, keep their weights, and so do boxes
  /// and objectness. The network decodes its boxes as before. Where the decoding cannot be
  /// followed, the result ends at raw maps instead, as ``HeadConfiguration`` in the metadata says.
  ///
  /// - Parameter inputShapes: Concrete shapes of inputs whose declared shape is not fixed.
  /// - Throws: ``RawHeadError/fixedClasses(family:reason:)`` where classes cannot be followed to
  ///   the outputs.
  public func replacingClasses(
    in graph: Graph, with names: [String], seed: UInt64, registry: OperatorRegistry,
    inputShapes: [String: [Int]] = [:]
  ) throws -> Graph {
    let source = graph.withConstantsAsInitializers()
    let head = try atConvolutions(of: source, registry, inputShapes)
    func replace(_ source: Graph) throws -> Graph {
      try head.replacing(in: source, with: names, seed: seed, registry, inputShapes)
    }
    var (result, settings) = (source, configuration)
    do {
      result = try replace(source)
      // What was read off the decoding stands in the decoding.
      if settings.isDecoded { (settings.anchors, settings.variances) = ([], [0.1, 0.2]) }
    } catch let obstacle as ClassRewriting.Obstacle {
      guard let ending = endingAtMaps(source) else {
        throw RawHeadError.fixedClasses(
          family: configuration.family, reason: obstacle.reason)
      }
      do {
        result = try replace(ending)
      } catch let obstacle as ClassRewriting.Obstacle {
        throw RawHeadError.fixedClasses(
          family: configuration.family, reason: obstacle.reason)
      }
      (settings.strides, settings.regMax) = (levels.map(\.stride), regMax)
      settings.isDecoded = false
    }
    settings.classes = names
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    result.properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(settings), as: UTF8.self)
    result.properties.metadata["names"] = nil
    try result.verify()
    return result
  }

  /// The head with the maps of the last convolutions, where a network ends at maps that are put
  /// together of them.
  private func atConvolutions(
    of graph: Graph, _ registry: OperatorRegistry, _ inputShapes: [String: [Int]]
  ) throws -> RawHead {
    let links = Connectivity(graph)
    let ends = graph.lastConvolutions(registry).map { graph.affineEnd(of: $0, links) }
    guard let level = levels.first, !Set(ends).isSuperset(of: taps) else { return self }
    let site = HeadSite(
      graph: graph, configuration: configuration, height: level.rows * level.stride,
      width: level.columns * level.stride, registry: registry, inputShapes: inputShapes)
    switch HeadFamily.named(configuration.family)?.training?.layout {
    case .distributions(let scoresFirst):
      return try RawHead(distributions: site.lastMaps(), scoresFirst: scoresFirst, site)
    case .anchors: return try RawHead(mapsOfAnchors: site.lastMaps(), site)
    default: return self
    }
  }

  /// The network that ends at the maps; `nil` for heads whose boxes cannot be read from them.
  private func endingAtMaps(_ graph: Graph) -> Graph? {
    let layout = HeadFamily.named(configuration.family)?.training?.layout
    let isReadable =
      layout == .distributions(scoresFirst: false) || layout == .anchors && coding == .squares
    guard isReadable, configuration.isDecoded, !levels.isEmpty else { return nil }
    var result = graph
    result.outputs = []
    for level in levels {
      var value = taps[level.box.map]
      if level.box.map != level.classes.map {
        value = result.freshName("stride\(level.stride)")
        result.nodes.append(
          Node(
            "Concat", name: value, inputs: [taps[level.box.map], taps[level.classes.map]],
            outputs: [value], attributes: ["axis": .int(1)]))
      }
      result.outputs.append(ValueInfo(name: value, type: .undeclared))
    }
    result.valueTypes = [:]
    result.removeDeadNodes()
    return result
  }

  /// - Throws: ``ClassRewriting/Obstacle``, what sessions throw.
  private func replacing(
    in graph: Graph, with names: [String], seed: UInt64, _ registry: OperatorRegistry,
    _ inputShapes: [String: [Int]]
  ) throws -> Graph {
    let typed = TypedGraph(
      graph, registry: registry, inputs: try graph.concreteInputTypes(inputShapes))
    let old = configuration.classes.count
    let known = ClassNames.places(of: names, in: configuration.classes)
    var rewriting = ClassRewriting(
      graph, typed: typed, old: old, known: known, registry: registry)
    var random = CounterRandom(seed: seed, stream: 0x4ead)
    let layer = NewClasses(known: known, prior: classPrior(names.count))
    for (index, node) in graph.nodes.enumerated() {
      guard let output = node.outputs.first,
        let part = try classPart(of: output, in: graph, typed, registry)
      else { continue }
      var layout = ClassLayout(fixed: try rewriting.oldShape(output, node))
      layout.axes[1] = [part]
      guard node.qualifiedType == "Conv", try node.attributes.int("group", default: 1) == 1,
        let weight = graph.initializers[node.inputs[1]]?.tensor, weight.elementType == .float32
      else {
        throw rewriting.obstacle(node, "its weights are not those of a plain float convolution")
      }
      let places = ClassLayout.places([part], old: old, new: names.count)
      rewriting.set(1, of: index, to: layer.weights(weight, places, &random))
      if node.inputs.count > 2, let bias = graph.initializers[node.inputs[2]]?.tensor {
        rewriting.set(2, of: index, to: layer.biases(bias, places))
      }
      rewriting.begin(at: output, layout)
    }
    try rewriting.run()
    return rewriting.graph
  }

  /// How the channels of a last convolution count classes; `nil` for other values and for
  /// convolutions without classes.
  private func classPart(
    of value: String, in graph: Graph, _ typed: TypedGraph, _ registry: OperatorRegistry
  ) throws -> ClassLayout.Part? {
    let links = Connectivity(graph)
    if levels.isEmpty {
      guard graph.lastConvolutions(before: [taps[0]], registry).contains(value) else { return nil }
      return try repeated([.fixed(1), .classes], value, typed)
    }
    guard graph.lastConvolutions(registry).contains(value) else { return nil }
    let end = graph.affineEnd(of: value, links)
    guard let level = levels.first(where: { taps[$0.classes.map] == end }) else { return nil }
    if level.objectness?.map == level.classes.map {
      return try repeated([.fixed(5), .classes], value, typed)
    }
    let channels = typed.operands[value]?.type.shape[1] ?? 0
    let rest = channels - level.classes.first - configuration.classes.count
    var part = ClassLayout.Part(segments: [])
    if level.classes.first > 0 { part.append(.fixed(level.classes.first)) }
    part.append(.classes)
    if rest > 0 { part.append(.fixed(rest)) }
    return part
  }

  /// Segments repeated as often as a convolution has channels for them.
  private func repeated(
    _ segments: [ClassLayout.Segment], _ value: String, _ typed: TypedGraph
  ) throws -> ClassLayout.Part {
    let size = ClassLayout.Part(segments: segments).extent(configuration.classes.count)
    let channels = typed.operands[value]?.type.shape[1] ?? 0
    guard channels > 0, channels % size == 0 else {
      throw RawHeadError.shapes(
        family: configuration.family, expected: "\(size) channels an anchor",
        found: ["'\(value)' of \(channels) channels"])
    }
    return ClassLayout.Part(
      segments: (0..<channels / size).flatMap { _ in segments })
  }

  /// The bias of a new class.
  private func classPrior(_ classes: Int) -> Float {
    let training = HeadFamily.named(configuration.family)?.training
    if training?.classes == .softmax { return 0 }
    return training?.layout == .anchors
      ? Float(log(0.6 / max(Double(classes) - 0.99999, 1))) : Float(log(0.01 / 0.99))
  }
}

/// The rows of a last convolution for other classes.
private struct NewClasses {
  /// The old class that each new one is; `nil` where there is none.
  var known: [Int?]
  /// The bias of a class that was not there.
  var prior: Float

  /// Weights `[O, I, kH, kW]` with new rows.
  func weights(
    _ tensor: Tensor, _ places: [ClassLayout.Place], _ random: inout CounterRandom
  ) -> Tensor {
    let size = tensor.shape.dropFirst().product
    let values = tensor.floats
    let deviation = 0.1 * (2 / Float(size)).squareRoot()
    var result: [Float] = []
    result.reserveCapacity(places.count * size)
    for place in places {
      if let row = row(place) {
        result += values[row * size..<(row + 1) * size]
        continue
      }
      for _ in 0..<size {
        // The sum of twelve uniform numbers is close enough to normal for initial weights.
        let sum = (0..<12).reduce(Float(0)) { sum, _ in sum + .random(in: 0..<1, using: &random) }
        result.append(deviation * (sum - 6))
      }
    }
    return Tensor(result, shape: [places.count] + tensor.shape.dropFirst())
  }

  /// Biases with new elements.
  func biases(_ tensor: Tensor, _ places: [ClassLayout.Place]) -> Tensor {
    let values = tensor.floats
    return Tensor(places.map { row($0).map { values[$0] } ?? prior })
  }

  /// The old row of an element; `nil` for a class that is new.
  private func row(_ place: ClassLayout.Place) -> Int? {
    guard let label = place.label else { return place.old }
    return known[label].map { place.old + $0 }
  }
}
