import Foundation
import GraphIR
import Tensors

extension HeadFamily {
  /// A head that a file describes, see ``HeadLayout``.
  static let described = HeadFamily(
    name: "described", summary: "any other head, by a layout: in a file",
    recognize: { evidence in
      KnownLayout.all.lazy.compactMap { $0.recognize(evidence) }.first
    },
    decode: { outputs, configuration in
      guard let layout = configuration.layout else {
        throw HeadError.outputs(
          family: "described", reason: "there is no layout: in the settings of the head")
      }
      return try DescribedDecoder(outputs, configuration, layout).detections()
    })
}

/// Reads boxes off outputs as a layout says.
struct DescribedDecoder {
  /// Where a role's numbers are.
  private struct Source {
    var table: FieldTable
    /// The index of the first field.
    var first: Int
    var width: Int
    var isEach: Bool

    func start(_ place: HeadPlace) -> Int {
      table.start(of: place) + (first + (isEach ? place.anchor * width : 0)) * table.step
    }
  }

  private let configuration: HeadConfiguration
  private let layout: HeadLayout
  private let outputs: HeadOutputs
  private let grid: HeadGrid
  /// The sources of each scale, by role.
  private var sources: [[String: Source]] = []
  private var priors: [Box] = []
  private let bins: Int

  init(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration, _ layout: HeadLayout
  ) throws {
    (self.outputs, self.configuration, self.layout) = (outputs, configuration, layout)
    bins =
      layout.box.coding == .distances && configuration.regMax > 0 ? configuration.regMax + 1 : 1
    grid = try Self.grid(outputs, configuration, layout)
    let scales = max(grid.scales.count, 1)
    if let output = layout.outputs.first(where: { ($0.level ?? 0) >= scales }) {
      throw HeadError.outputs(
        family: "described", reason: "'\(output.output)' is of a level beyond the strides")
    }
    for level in 0..<scales {
      var found: [String: Source] = [:]
      for output in layout.outputs where output.level == nil || output.level == level {
        for (role, source) in try sourcesOf(output) { found[role] = source }
      }
      guard found["box"] != nil else {
        throw HeadError.outputs(family: "described", reason: "no box for level \(level)")
      }
      sources.append(found)
    }
    priors = try readPriors()
    guard layout.box.coding != .priors || priors.count == grid.boxes else {
      throw HeadError.outputs(
        family: "described", reason: "\(grid.boxes) boxes for \(priors.count) priors")
    }
  }

  private static func tensor(_ name: String, _ outputs: HeadOutputs) throws -> Tensor {
    guard let tensor = outputs.tensors[name] else {
      throw HeadError.outputs(
        family: "described",
        reason: "there is no output '\(name)'; there are "
          + outputs.order.map { "'\($0)'" }.joined(separator: ", "))
    }
    return tensor
  }

  private static func grid(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration, _ layout: HeadLayout
  ) throws -> HeadGrid {
    let names = Set(
      layout.outputs.flatMap(\.axes).flatMap { $0.split(separator: "*").map(String.init) })
    guard names.contains("boxes") else {
      let scales = configuration.strides.map { stride in
        (
          stride: stride, rows: (outputs.height + stride - 1) / stride,
          columns: (outputs.width + stride - 1) / stride
        )
      }
      guard !scales.isEmpty else {
        throw HeadError.outputs(family: "described", reason: "cells need strides:")
      }
      let anchors = scales.indices.map { level in
        configuration.anchors.indices.contains(level)
          ? configuration.anchors[level].count : layout.anchors ?? 1
      }
      let boxes = zip(scales, anchors).reduce(0) { $0 + $1.0.rows * $1.0.columns * $1.1 }
      return HeadGrid(scales: scales, anchors: anchors, boxes: boxes)
    }
    for output in layout.outputs {
      let shape = try tensor(output.output, outputs).shape
      if let axis = output.axes.firstIndex(of: "boxes"), axis < shape.count {
        return HeadGrid(scales: [], anchors: [], boxes: shape[axis])
      }
    }
    throw HeadError.outputs(family: "described", reason: "no output has an axis of boxes alone")
  }

  private func sourcesOf(_ output: HeadLayout.Output) throws -> [(String, Source)] {
    let fields = output.fields.compactMap {
      layout.field($0, classes: configuration.classes.count, bins: bins)
    }
    let anchors = grid.anchors
    let table = try FieldTable(
      Self.tensor(output.output, outputs), output, grid: grid, image: outputs.image
    ) { level in
      fields.reduce(0) {
        $0 + $1.width * ($1.isEach && anchors.indices.contains(level) ? anchors[level] : 1)
      }
    }
    var first = 0
    return fields.map { field in
      // Anchors may differ in number between scales; fields for each of them may not.
      let level = output.level ?? 0
      let count = field.isEach && anchors.indices.contains(level) ? anchors[level] : 1
      defer { first += field.width * count }
      return (
        field.role,
        Source(table: table, first: first, width: field.width, isEach: field.isEach)
      )
    }
  }

  // MARK: Scores

  /// The boxes above the confidence threshold.
  func detections() throws -> [Detection] {
    let threshold = configuration.confidence
    var found: [Detection] = []
    for place in grid.places {
      let sources = sources[place.level]
      if let source = sources["image"] {
        guard source.table.index(source.start(place)) == outputs.image else { continue }
      }
      var common = 1.0
      for role in ["objectness", "confidence"] {
        guard let source = sources[role] else { continue }
        let value = activated(source.table.value(source.start(place)), role)
        common *= role == "objectness" ? raised(value, role) : value
      }
      guard common > threshold else { continue }
      for (label, score) in try labels(place, sources) where common * score > threshold {
        let box = box(place, sources)
        found.append(Detection(box: box, classIndex: label, confidence: common * score))
      }
    }
    return found
  }

  /// The classes of a place with their scores; the only one where none are told apart.
  private func labels(
    _ place: HeadPlace, _ sources: [String: Source]
  ) throws -> [(label: Int, score: Double)] {
    if let source = sources["class"] {
      guard let index = source.table.index(source.start(place)) else { return [] }
      let label = index - (layout.background == .first ? 1 : 0)
      guard label >= 0 else { return [] }
      guard label < configuration.classes.count else {
        throw HeadError.outputs(
          family: "described",
          reason: "a box is of class \(label), but only \(configuration.classes.count) are named")
      }
      return [(label, 1)]
    }
    guard let source = sources["classes"] else { return [(0, 1)] }
    let start = source.start(place)
    var scores = (0..<source.width).map { source.table.value(start + $0 * source.table.step) }
    if layout.activation["classes"] == .softmax {
      let highest = scores.max() ?? 0
      scores = scores.map { exp($0 - highest) }
      let sum = scores.reduce(0, +)
      scores = scores.map { $0 / sum }
    }
    let first = layout.background == .first ? 1 : 0
    return configuration.classes.indices.map { label in
      let score = scores[label + first]
      let value =
        layout.activation["classes"] == .softmax ? Double(score) : activated(score, "classes")
      return (label, raised(value, "classes"))
    }
  }

  private func activated(_ value: Float, _ role: String) -> Double {
    layout.activation[role] == .sigmoid ? Double(logistic(value)) : Double(value)
  }

  private func raised(_ value: Double, _ role: String) -> Double {
    guard let power = layout.score[role], power != 1 else { return value }
    return pow(max(value, 0), power)
  }

  // MARK: Boxes

  private func box(_ place: HeadPlace, _ sources: [String: Source]) -> Box {
    guard let source = sources["box"] else { return Box(left: 0, top: 0, right: 0, bottom: 0) }
    let start = source.start(place)
    var numbers: [String: Double] = [:]
    for (index, name) in layout.box.fields.enumerated() {
      let isSize = name == "w" || name == "h"
      if bins > 1 {
        numbers[name] = DistanceDistribution.mean(bins) {
          source.table.value(start + (index * bins + $0) * source.table.step)
        }
        continue
      }
      let value = source.table.value(start + index * source.table.step)
      let isPlain = layout.box.coding == .exponentials && isSize
      numbers[name] = isPlain ? Double(value) : activated(value, "box")
    }
    let scale = grid.scales.isEmpty ? nil : grid.scales[place.level]
    let stride = Double(scale?.stride ?? 1)
    switch layout.box.coding {
    case .plain: return Self.plain(numbers, units(layout.box.unit, stride))
    case .distances:
      let units = units(layout.box.unit, stride)
      let x = (Double(place.column) + layout.box.point) * stride
      let y = (Double(place.row) + layout.box.point) * stride
      return Box(
        left: x - (numbers["left"] ?? 0) * units.x, top: y - (numbers["top"] ?? 0) * units.y,
        right: x + (numbers["right"] ?? 0) * units.x,
        bottom: y + (numbers["bottom"] ?? 0) * units.y)
    case .priors: return aroundPrior(numbers, priors[place.index])
    case .grid, .squares, .exponentials: return inCell(numbers, place, stride)
    }
  }

  private func units(_ unit: HeadLayout.Unit, _ stride: Double) -> (x: Double, y: Double) {
    switch unit {
    case .pixels: (1, 1)
    case .cells: (stride, stride)
    case .image: (Double(outputs.width), Double(outputs.height))
    }
  }

  private static func plain(
    _ numbers: [String: Double], _ units: (x: Double, y: Double)
  ) -> Box {
    func x(_ name: String) -> Double { (numbers[name] ?? 0) * units.x }
    func y(_ name: String) -> Double { (numbers[name] ?? 0) * units.y }
    if numbers["cx"] != nil {
      return Box(centreX: x("cx"), y: y("cy"), width: x("w"), height: y("h"))
    }
    let isSized = numbers["w"] != nil
    return Box(
      left: x("x1"), top: y("y1"), right: isSized ? x("x1") + x("w") : x("x2"),
      bottom: isSized ? y("y1") + y("h") : y("y2"))
  }

  private func aroundPrior(_ numbers: [String: Double], _ prior: Box) -> Box {
    let (centre, extent) = (configuration.variances[0], configuration.variances[1])
    return Box(
      centreX: (prior.left + prior.right) / 2 + centre * (numbers["cx"] ?? 0) * prior.width,
      y: (prior.top + prior.bottom) / 2 + centre * (numbers["cy"] ?? 0) * prior.height,
      width: prior.width * exp(extent * (numbers["w"] ?? 0)),
      height: prior.height * exp(extent * (numbers["h"] ?? 0)))
  }

  private func inCell(
    _ numbers: [String: Double], _ place: HeadPlace, _ stride: Double
  ) -> Box {
    let isSquared = layout.box.coding == .squares
    let sizes =
      layout.box.coding == .grid
      ? [stride, stride]
      : configuration.anchors.indices.contains(place.level)
        ? configuration.anchors[place.level][place.anchor] : [0, 0]
    func centre(_ name: String, _ cell: Int) -> Double {
      let value = numbers[name] ?? 0
      return ((isSquared ? 2 * value - 0.5 : value) + Double(cell)) * stride
    }
    func extent(_ name: String, _ size: Double) -> Double {
      let value = numbers[name] ?? 0
      return (isSquared ? 4 * value * value : exp(value)) * size
    }
    return Box(
      centreX: centre("cx", place.column), y: centre("cy", place.row),
      width: extent("w", sizes[0]), height: extent("h", sizes[1]))
  }

  private func readPriors() throws -> [Box] {
    guard layout.box.coding == .priors else { return [] }
    guard let priors = layout.priors else {
      return configuration.priors(height: outputs.height, width: outputs.width)
    }
    let values: [Double]
    if let name = priors.output {
      values = try Self.tensor(name, outputs).floats.map(Double.init)
    } else {
      values = priors.values ?? []
    }
    let units = units(priors.unit, 1)
    return stride(from: 0, to: values.count - values.count % 4, by: 4).map { at in
      Self.plain(
        Dictionary(
          zip(priors.fields, values[at..<at + 4]), uniquingKeysWith: { a, _ in a }), units)
    }
  }
}

extension HeadConfiguration {
  /// Reads priors that lie in a constant of the network.
  ///
  /// - Throws: ``HeadError/outputs(family:reason:)`` where there is none of that name.
  mutating func readPriors(in graph: Graph) throws {
    guard let name = layout?.priors?.initializer, layout?.priors?.values == nil else { return }
    guard let tensor = graph[constant: name], tensor.elementType.isFloatingPoint else {
      throw HeadError.outputs(
        family: "described", reason: "the network has no constant '\(name)' of floats")
    }
    layout?.priors?.values = tensor.floats.map(Double.init)
  }
}
