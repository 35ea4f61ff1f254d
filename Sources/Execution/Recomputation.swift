import GraphIR
import Tensors

/// Computes activations again in the backward pass instead of keeping them.
///
/// The model's nodes are cut into segments. Values that a later segment reads are kept. Other
/// values that the gradient reads are computed again, by copies of the segment's nodes, just before
/// the first node that needs them. Only the last segment is not copied, because its activations are
/// read at once. The copies compute what the originals did, so the gradients are the same bit for
/// bit.
///
/// The number of segments is the one with the least estimated peak memory. The estimate is the
/// maximum, over the segments, of what is kept up to the segment plus what the segment computes
/// again.
///
/// Reference: Chen, Xu, Zhang and Guestrin, *Training deep nets with sublinear memory cost*,
/// arXiv:1604.06174. There segments have equally many layers; here their activations have about
/// equally many bytes.
struct Recomputation {
  private let nodes: ArraySlice<Node>
  private let sizes: [String: Int]
  /// Values of the model that the gradient reads.
  private let read: Set<String>
  private let kept: Set<String>
  private let prefix: String

  /// Cuts the first `count` nodes of a graph, which are the model; the rest is its gradient.
  ///
  /// - Parameter prefix: The prefix of the copies' names, and of no other names.
  init(_ graph: Graph, modelNodes count: Int, types: [String: TensorType], prefix: String) {
    self.prefix = prefix
    nodes = graph.nodes.prefix(count)
    sizes = types.mapValues(\.byteCount)
    read = Set(graph.nodes.dropFirst(count).flatMap(\.inputs))
    kept = Set(graph.outputs.map(\.name))
  }

  /// A part of the model's nodes, and the values that others need of it.
  private struct Segment {
    var nodes: Range<Int>
    /// Values that are computed again.
    var again: [String]
    var againBytes: Int
    /// The bytes of what stays in memory.
    var keptBytes: Int
  }

  /// The graph with the copies.
  func apply(to graph: Graph) -> Graph {
    let best = (1...max(1, min(nodes.count, Self.mostSegments))).map(segments).min {
      Self.peak($0) < Self.peak($1)
    }
    guard let best, best.count > 1 else { return graph }
    var result = graph
    var backward = Array(graph.nodes.dropFirst(nodes.count))
    for segment in best.dropLast().reversed() where !segment.again.isEmpty {
      insert(segment, into: &backward)
    }
    result.nodes = Array(nodes) + backward
    return result
  }

  private static let mostSegments = 64

  private static func peak(_ segments: [Segment]) -> Int {
    var kept = 0
    return segments.reduce(0) { peak, segment in
      kept += segment.keptBytes
      return max(peak, kept + segment.againBytes)
    }
  }

  /// Segments whose activations have about equally many bytes.
  private func segments(_ count: Int) -> [Segment] {
    let bytes = nodes.map { $0.outputs.reduce(0) { $0 + (sizes[$1] ?? 0) } }
    let share = max(1, bytes.reduce(0, +) / count)
    var starts = [0]
    var sum = 0
    for (index, own) in bytes.enumerated() {
      if sum >= share * starts.count, starts.count < count { starts.append(index) }
      sum += own
    }
    var lastReader: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { for name in node.inputs { lastReader[name] = index } }
    return zip(starts, starts.dropFirst() + [nodes.count]).map { start, end in
      segment(start..<end, lastReader)
    }
  }

  private func segment(_ range: Range<Int>, _ lastReader: [String: Int]) -> Segment {
    var segment = Segment(nodes: range, again: [], againBytes: 0, keptBytes: 0)
    let isLast = range.upperBound == nodes.count
    for name in nodes[range].flatMap(\.outputs) where !name.isEmpty {
      let crosses = kept.contains(name) || lastReader[name].map { $0 >= range.upperBound } ?? false
      if crosses {
        segment.keptBytes += sizes[name] ?? 0
      } else if read.contains(name) {
        segment.againBytes += sizes[name] ?? 0
        if !isLast { segment.again.append(name) }
      }
    }
    return segment
  }

  /// Puts copies of a segment's nodes before the first node that reads their outputs, and makes all
  /// readers read the copies.
  private func insert(_ segment: Segment, into backward: inout [Node]) {
    let again = Set(segment.again)
    guard let place = backward.firstIndex(where: { $0.inputs.contains(where: again.contains) })
    else { return }
    var wanted = again
    var copies: [Node] = []
    for node in nodes[segment.nodes].reversed() where node.outputs.contains(where: wanted.contains)
    {
      copies.append(node)
      // Values of other segments, and values that later segments read, are still in memory.
      wanted.formUnion(node.inputs.filter(isInner(of: segment)))
    }
    copies.reverse()
    let made = Set(copies.flatMap(\.outputs))
    let renamed = made.filter(isInner(of: segment))
    for index in copies.indices {
      copies[index].name = copies[index].name.isEmpty ? "" : copy(copies[index].name)
      copies[index].inputs = copies[index].inputs.map { renamed.contains($0) ? copy($0) : $0 }
      copies[index].outputs = copies[index].outputs.map { $0.isEmpty ? "" : copy($0) }
    }
    for index in backward.indices {
      backward[index].inputs = backward[index].inputs.map {
        again.contains($0) ? copy($0) : $0
      }
    }
    backward.insert(contentsOf: copies, at: place)
  }

  /// Whether a value is made in a segment and used nowhere else in the model.
  private func isInner(of segment: Segment) -> (String) -> Bool {
    let made = Set(nodes[segment.nodes].flatMap(\.outputs))
    let handedOn = Set(nodes[segment.nodes.upperBound...].flatMap(\.inputs)).union(kept)
    return { made.contains($0) && !handedOn.contains($0) }
  }

  private func copy(_ name: String) -> String { prefix + name }
}
