import Execution
import GraphIR
import ObjectDetection
import Tensors
import Training

/// A value of the teacher and one of the student with the same rows and columns.
public struct FeaturePoint: Codable, Sendable, Equatable {
  /// A value of one network.
  public struct Place: Codable, Sendable, Equatable {
    /// Its name.
    public var name: String
    /// Its channels.
    public var channels: Int

    /// A value of the given channels.
    public init(name: String, channels: Int) { (self.name, self.channels) = (name, channels) }
  }

  /// The teacher's value.
  public var teacher: Place
  /// The student's value.
  public var student: Place
  /// Rows of both.
  public var rows: Int
  /// Columns of both.
  public var columns: Int
  /// Input pixels per cell.
  public var stride: Int

  /// A point of the given parts.
  public init(teacher: Place, student: Place, rows: Int, columns: Int, stride: Int) {
    (self.teacher, self.student) = (teacher, student)
    (self.rows, self.columns, self.stride) = (rows, columns, stride)
  }

  /// The point as text for people.
  public var text: String {
    "stride \(stride): \(teacher.name) [\(teacher.channels), \(rows), \(columns)] → "
      + "\(student.name) [\(student.channels), \(rows), \(columns)]"
  }
}

extension FeaturePoint {
  /// The points at the strides at which both networks have features, the finest first.
  ///
  /// - Throws: `ExecutionError` for networks whose input shape is not known.
  public static func automatic(
    teacher: Graph, student: Graph, imageSize: (height: Int, width: Int),
    registry: OperatorRegistry
  ) throws -> [FeaturePoint] {
    let own = try FeatureMaps(student, imageSize: imageSize, registry: registry)
    let other = try FeatureMaps(teacher, imageSize: imageSize, registry: registry)
    let found = other.beforeHead()
    return own.beforeHead().compactMap { map in
      guard let pair = found.first(where: { $0.rows == map.rows && $0.columns == map.columns })
      else { return nil }
      return FeaturePoint(
        teacher: pair.place, student: map.place, rows: map.rows, columns: map.columns,
        stride: Self.stride(imageSize, map.rows, map.columns))
    }
  }

  /// Input pixels per cell, along the axis that loses least by rounding up.
  private static func stride(
    _ imageSize: (height: Int, width: Int), _ rows: Int, _ columns: Int
  ) -> Int {
    max(imageSize.height / rows, imageSize.width / columns)
  }

  /// The points that are named as `teacher=student`, the finest first.
  ///
  /// - Throws: ``DistillationError/point(name:reason:)`` for a value that does not exist or fit.
  public static func named(
    _ pairs: [(teacher: String, student: String)], teacher: Graph, student: Graph,
    imageSize: (height: Int, width: Int),
    registry: OperatorRegistry
  ) throws -> [FeaturePoint] {
    let own = try FeatureMaps(student, imageSize: imageSize, registry: registry)
    let other = try FeatureMaps(teacher, imageSize: imageSize, registry: registry)
    return try pairs.map { pair in
      let (a, b) = (
        try other.map(pair.teacher, of: "teacher"), try own.map(pair.student, of: "student")
      )
      guard a.rows == b.rows, a.columns == b.columns else {
        throw DistillationError.point(
          name: "\(pair.teacher)=\(pair.student)",
          reason: "\(a.rows) × \(a.columns) cells are not \(b.rows) × \(b.columns)")
      }
      return FeaturePoint(
        teacher: a.place, student: b.place, rows: a.rows, columns: a.columns,
        stride: Self.stride(imageSize, a.rows, a.columns))
    }.sorted { $0.stride < $1.stride }
  }
}

/// The maps of a network that features can be read from.
private struct FeatureMaps {
  struct Map {
    var place: FeaturePoint.Place
    var rows: Int
    var columns: Int
  }

  private let graph: Graph
  private let registry: OperatorRegistry
  private let links: Connectivity
  private let maps: [String: Map]
  /// Maps with fewer channels are not taken for features.
  private static let leastChannels = 4

  init(
    _ graph: Graph, imageSize: (height: Int, width: Int), registry: OperatorRegistry
  ) throws {
    (self.graph, self.registry) = (graph, registry)
    links = Connectivity(graph)
    let shape = [1, 3, imageSize.height, imageSize.width]
    let planar = graph.takingPlanarImages()
    let names = planar.requiredInputs.map(\.name)
    let inputs = try planar.concreteInputTypes(
      names.count == 1 ? planar.fixesImages ? [:] : [names[0]: shape] : [:])
    let operands = TypedGraph(planar, registry: registry, inputs: inputs).operands
    maps = operands.reduce(into: [:]) { maps, entry in
      let type = entry.value.type
      guard type.elementType == .float32, type.shape.count == 4,
        (1...imageSize.height).contains(type.shape[2]),
        (1...imageSize.width).contains(type.shape[3])
      else { return }
      maps[entry.key] = Map(
        place: .init(name: entry.key, channels: type.shape[1]), rows: type.shape[2],
        columns: type.shape[3])
    }
  }

  func map(_ name: String, of network: String) throws -> Map {
    guard let map = maps[name], links.producer[name] != nil else {
      throw DistillationError.point(
        name: name, reason: "the \(network) computes no map [N, C, H, W] of that name")
    }
    return map
  }

  /// At each stride of the head, the last value on which all of the head's convolutions there
  /// depend, the finest first.
  func beforeHead() -> [Map] {
    var byExtents: [[Int]: [String]] = [:]
    for name in graph.lastConvolutions(registry) {
      guard let map = maps[name] else { continue }
      byExtents[[map.rows, map.columns], default: []].append(name)
    }
    return byExtents.sorted { $0.key[0] > $1.key[0] }.compactMap { extents, heads in
      let candidates = ancestors(of: heads).filter { name in
        guard let map = maps[name], map.place.channels >= Self.leastChannels else { return false }
        return [map.rows, map.columns] == extents && !heads.contains(name)
      }
      return candidates.first { !reachesInput(from: heads, avoiding: $0) }.flatMap { maps[$0] }
    }
  }

  /// The values on which the given ones depend, the last computed first.
  private func ancestors(of names: [String]) -> [String] {
    var seen: Set<Int> = []
    var front = names.compactMap { links.producer[$0] }
    while let index = front.popLast() {
      guard seen.insert(index).inserted else { continue }
      front += graph.nodes[index].inputs.compactMap { links.producer[$0] }
    }
    return seen.sorted(by: >).flatMap { graph.nodes[$0].outputs }
  }

  /// Whether a path to the network's input avoids a value.
  private func reachesInput(from names: [String], avoiding value: String) -> Bool {
    let images = Set(graph.requiredInputs.map(\.name))
    var seen: Set<String> = [value]
    var front = names
    while let name = front.popLast() {
      guard seen.insert(name).inserted else { continue }
      if images.contains(name) { return true }
      if let index = links.producer[name] { front += graph.nodes[index].inputs }
    }
    return false
  }
}

extension Graph {
  /// Whether the declared shape of the images leaves only the batch open.
  fileprivate var fixesImages: Bool {
    requiredInputs.allSatisfy { input in
      guard case .tensor(_, let shape?) = input.type else { return false }
      return shape.dropFirst().allSatisfy { ($0.extent ?? 0) > 0 }
    }
  }
}
