import Compression
import Execution
import GraphIR
import ObjectDetection
import Tensors

/// What the positions and the outputs of layers' responses count in least squares.
///
/// A position counts as much as the network's answer depends on the layer's response there, see
/// ``ResponseCurvature``. So layers are fitted where a detector is confident, and less to the
/// background that fills most of an image. A part of the weight is spread over all positions. Half
/// of the samples are drawn by weight, half uniformly, and every sample is weighted by what its
/// chance leaves.
///
/// An output counts by the sum over all positions. Position and output are taken to be independent,
/// as Martens and Grosse take input and output.
public struct ResponseImportance: Sendable {
  /// A layer whose responses are sampled.
  package struct Place {
    /// The node of the graph.
    let node: Int
    /// Reads its responses.
    let reader: PatchReader
    /// The positions that are sampled in an image where all count alike.
    let positions: @Sendable (_ image: Int) -> [Int]

    /// A layer.
    package init(
      node: Int, reader: PatchReader, positions: @escaping @Sendable (_ image: Int) -> [Int]
    ) {
      (self.node, self.reader, self.positions) = (node, reader, positions)
    }
  }

  /// What is known of one layer.
  package struct Layer: Sendable {
    /// The sampled positions of each image.
    package fileprivate(set) var positions: [[Int]] = []
    /// Their weights.
    package fileprivate(set) var weights: [[Float]] = []
    /// The damage of a squared unit of change of each output at all positions of an image: `½ Σ c`,
    /// the mean over images.
    package fileprivate(set) var outputs: [Double]
  }

  private var layers: [Int: Layer] = [:]

  /// The part of the weight that all positions share alike.
  fileprivate static let floor: Float = 0.1

  /// Measures the importance on images; `nil` where an operator has no derivative, or where the
  /// head is asked for and has no known maps.
  ///
  /// - Throws: what images and sessions throw.
  package init?(
    _ graph: Graph, of places: [Place], for answer: ResponseCurvature.Answer = .head,
    images: CalibrationImages, head: HeadSettings, seed: UInt64, engine: Engine
  ) throws {
    let operands = try engine.typed(graph).operands
    let values = places.map {
      (name: $0.reader.output, shape: operands[$0.reader.output]?.shape ?? [])
    }
    guard
      let curvature = ResponseCurvature(
        graph, of: values, answer: answer, images: images, settings: head, seed: seed,
        engine: engine)
    else { return nil }
    var found = places.map { Layer(outputs: Array(repeating: 0, count: $0.reader.outputs)) }
    let pool = ThreadPool(threads: engine.threads)
    try engine.progress.job("weighing positions", total: images.count, unit: "images") { done in
      for image in 0..<images.count {
        try curvature.derivatives(image) { derivatives in
          nonisolated(unsafe) let derivatives = derivatives
          found.withUnsafeMutableBufferPointer { found in
            nonisolated(unsafe) let found = found
            pool.forEach(places.count) { index in
              found[index].add(
                places[index], derivatives[index], image, of: images.count, seed: seed)
            }
          }
        }
        done(image + 1)
      }
    }
    for (place, layer) in zip(places, found) where layer.outputs.contains(where: { $0 > 0 }) {
      layers[place.node] = layer
    }
  }

  /// The layer of a node; `nil` where the answer does not depend on it.
  package subscript(node: Int) -> Layer? { layers[node] }
}

extension ResponseImportance.Layer {
  /// Adds an image.
  fileprivate mutating func add(
    _ place: ResponseImportance.Place, _ derivatives: UnsafeMutableBufferPointer<Float>?,
    _ image: Int, of images: Int, seed: UInt64
  ) {
    guard let derivatives else { return }
    let plane = PlaneImportance(place.reader, derivatives)
    for (output, sum) in plane.outputs.enumerated() {
      outputs[output] += sum / 2 / Double(images)
    }
    let sample = plane.sample(
      place.positions(image), floor: ResponseImportance.floor,
      random: CounterRandom(seed: seed &+ 1, stream: UInt64(place.node) << 32 | UInt64(image)))
    positions.append(sample.positions)
    weights.append(sample.weights)
  }
}

/// The importance of the positions and outputs of one response in one image.
private struct PlaneImportance {
  /// `Σ c` of each position over all outputs.
  private var positions: [Float]
  /// `Σ c` of each output over all positions.
  private(set) var outputs: [Double]
  private var sum: Double { outputs.reduce(0, +) }

  /// The squares of derivatives, laid out as the response of a layer.
  init(_ reader: PatchReader, _ derivatives: UnsafeMutableBufferPointer<Float>) {
    let (places, count) = (reader.places, reader.outputs)
    outputs = Array(repeating: 0, count: count)
    positions = Array(repeating: 0, count: places)
    let (byOutput, byPlace) = reader.isPlanar ? (places, 1) : (1, count)
    for output in 0..<count {
      for place in 0..<places {
        let value = derivatives[output * byOutput + place * byPlace]
        positions[place] += value * value
        outputs[output] += Double(value) * Double(value)
      }
    }
  }

  /// The positions to sample, with their weights.
  ///
  /// - Parameter uniform: Positions that were drawn uniformly; where they are fewer than there are,
  ///   every other one is drawn again by weight.
  func sample(
    _ uniform: [Int], floor: Float, random: CounterRandom
  ) -> (positions: [Int], weights: [Float]) {
    guard sum > 0 else {
      // The image says nothing of the layer, and counts as little as a position may.
      return (uniform, Array(repeating: floor, count: uniform.count))
    }
    let mean = Float(sum / Double(positions.count))
    func weight(_ place: Int) -> Float { floor + (1 - floor) * positions[place] / mean }
    guard uniform.count < positions.count else { return (uniform, uniform.map(weight)) }
    var (drawn, random) = (uniform, random)
    let limits = positions.reduce(into: [Double]()) { $0.append(($0.last ?? 0) + Double($1)) }
    for index in stride(from: 1, to: drawn.count, by: 2) {
      let wanted = Double.random(in: 0..<sum, using: &random)
      drawn[index] = min(limits.firstIndex(above: wanted), positions.count - 1)
    }
    return (drawn, drawn.map { weight($0) / (0.5 + 0.5 * positions[$0] / mean) })
  }
}

extension [Double] {
  /// The first index of ascending numbers whose number is above `value`; ``count`` where none is.
  fileprivate func firstIndex(above value: Double) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
