import GraphIR
import Tensors

/// A small one-stage detector for scenes, fitted in closed form: no gradients, two ridge regressions.
///
/// 1. Fixed random filters look at colours and their surroundings and give 48 channels of stride 4.
/// 2. A first regression turns these into maps of how much of a cell each class covers.
/// 3. Templates cut from the coverage maps of training scenes, around objects and elsewhere, are matched at stride 8.
/// 4. A second regression reads box, objectness and class off the matches, in YOLOX's layout `[1, cells, 5 + C]`.
///
/// The random thresholds of steps 1 and 3 are quantiles of responses to training scenes. Templates matched on patches
/// follow Coates and Ng, *The Importance of Encoding Versus Training*, ICML 2011, without whitening.
public struct ClosedFormDetector: Sendable {
  /// The seed of filters, thresholds and templates.
  public var seed: UInt64
  /// How many templates are cut.
  public var templates: Int
  /// The threads to compute with.
  public var threads: Int

  private static let colours = 24
  private static let textures = 48
  private static let templateSide = 14
  /// Scenes that thresholds are taken from.
  private static let calibrationScenes = 60
  /// How near a cell must be to an object for its box to count.
  private static let boxNearness: Float = 0.3
  /// The steepness of logistic outputs around a fitted value of ½.
  private static let gain: Float = 8

  /// A detector to be fitted.
  public init(seed: UInt64 = 1, templates: Int = 256, threads: Int = 1) {
    self.seed = seed
    self.templates = templates
    self.threads = threads
  }

  /// Fits the detector to scenes.
  ///
  /// - Throws: what preparing or running the network throws.
  public func fit(_ scenes: [Scene]) throws -> Graph {
    let pool = ThreadPool(threads: threads)
    var random = CounterRandom(seed: seed)
    var network = NetworkBuilder()
    try appendTrunk(to: &network, scenes, &random)
    let coverage = RidgeRegression(
      features: try network.features(scenes, threads: threads), targets: Targets.coverage(scenes),
      pool: pool)
    network.convolve(
      Filters(coverage, gain: Self.gain, threshold: 0.5), "coverage", activation: "Sigmoid")
    let maps = try network.features(scenes, threads: threads)
    try append(cut(from: maps, scenes, &random), "templates", to: &network, scenes, &random)
    let matches = try network.features(scenes, threads: threads)
    return appendHead(to: network, matches, Targets.Boxes(scenes), pool)
  }

  // MARK: Trunk

  private func appendTrunk(
    to network: inout NetworkBuilder, _ scenes: [Scene], _ random: inout CounterRandom
  ) throws {
    let directions = (0..<Self.colours).flatMap { _ in
      let direction = (0..<3).map { _ in random.normal() }
      let scale = 1 / (255 * 16 * norm(direction))
      return direction.flatMap { Array(repeating: $0 * scale, count: 16) }
    }
    try append(
      Filters(directions, inputs: 3, side: 4, stride: 2, padding: (1, 1)), "colours",
      to: &network, scenes, &random)
    let scale = (2 / Float(Self.colours * 9)).squareRoot()
    let mixtures = (0..<Self.textures * Self.colours).flatMap { _ in
      // The centre counts double.
      (0..<9).map { random.normal() * ($0 == 4 ? 2 * scale : scale) }
    }
    try append(
      Filters(mixtures, inputs: Self.colours, side: 3, stride: 2, padding: (0, 1)), "textures",
      to: &network, scenes, &random)
  }

  /// Appends rectified filters whose thresholds are random quantiles of their responses.
  private func append(
    _ filters: Filters, _ name: String, to network: inout NetworkBuilder, _ scenes: [Scene],
    _ random: inout CounterRandom
  ) throws {
    var probe = network
    probe.convolve(filters, name)
    let responses = try probe.features(
      Array(scenes.prefix(Self.calibrationScenes)), threads: threads)
    var filters = filters
    for channel in 0..<filters.outputs {
      let sorted = stride(from: channel, to: responses.values.count, by: responses.columns)
        .map { responses.values[$0] }.sorted()
      let quantile = Float.random(in: 0.3...0.95, using: &random)
      filters.biases[channel] = -sorted[Int(quantile * Float(sorted.count - 1))]
    }
    network.convolve(filters, name, activation: "Relu")
  }

  // MARK: Templates

  /// Windows of coverage maps with norm 1; three in four lie around an object.
  private func cut(
    from maps: Matrix, _ scenes: [Scene], _ random: inout CounterRandom
  ) -> Filters {
    let side = Scene.side / Targets.coverageStride
    let objects = scenes.enumerated().flatMap { index, scene in
      scene.objects.map { (scene: index, centre: $0.centre) }
    }
    var weights: [Float] = []
    for index in 0..<templates {
      let pick = objects[Int.random(in: 0..<objects.count, using: &random)]
      let offsets = (random.normal() * 3, random.normal() * 3)
      let anywhere = Float.random(in: 0..<Float(Scene.side), using: &random)
      let isAround = index % 4 != 3
      let x = isAround ? pick.centre.x + offsets.0 : anywhere
      let y = isAround ? pick.centre.y + offsets.1 : Float(Scene.side) - anywhere
      let window = Self.window(
        maps, first: pick.scene * side * side, column: Int(x) / Targets.stride * 2 - 6,
        row: Int(y) / Targets.stride * 2 - 6)
      let scale = 1 / (norm(window) + 1e-3)
      weights += window.map { $0 * scale }
    }
    return Filters(
      weights, inputs: maps.columns, side: Self.templateSide, stride: 2, padding: (6, 6))
  }

  /// A window `[channels, side, side]` of one scene's maps, 0 beyond their edges.
  private static func window(_ maps: Matrix, first: Int, column: Int, row: Int) -> [Float] {
    let side = Scene.side / Targets.coverageStride
    var result: [Float] = []
    for channel in 0..<maps.columns {
      for y in row..<row + templateSide {
        for x in column..<column + templateSide {
          let isInside = (0..<side).contains(x) && (0..<side).contains(y)
          let cell = first + y * side + x
          result.append(isInside ? maps.values[cell * maps.columns + channel] : 0)
        }
      }
    }
    return result
  }

  // MARK: Head

  private func appendHead(
    to network: NetworkBuilder, _ matches: Matrix, _ targets: Targets.Boxes, _ pool: ThreadPool
  ) -> Graph {
    var network = network
    let source = network.last
    func isNear(_ row: Int) -> Bool { targets.nearness.values[row] > Self.boxNearness }
    let near = matches.rows(where: isNear)
    let box = RidgeRegression(
      features: near, targets: targets.boxes.rows(where: isNear), pool: pool)
    let label = RidgeRegression(
      features: near, targets: targets.classes.rows(where: isNear), pool: pool)
    let nearness = RidgeRegression(features: matches, targets: targets.nearness, pool: pool)
    let parts = [
      network.convolve(Filters(box), "box", from: source),
      network.convolve(
        Filters(nearness, gain: Self.gain, threshold: 0.5), "objectness", from: source,
        activation: "Sigmoid"),
      network.convolve(
        Filters(label, gain: Self.gain, threshold: 0.5), "classes", from: source,
        activation: "Sigmoid"),
    ]
    network.append("Concat", "maps", from: parts, ["axis": .int(1)])
    let fields = 5 + Scene.Shape.allCases.count
    let cells = Targets.cells * Targets.cells
    let shape = network.constant("rows.shape", Tensor([1, Int64(fields), Int64(cells)]))
    network.append("Reshape", "rows", from: [network.last, shape])
    network.append("Transpose", "detections", ["perm": .ints([0, 2, 1])])
    return network.finished(shape: [1, cells, fields])
  }

  private func norm(_ values: [Float]) -> Float {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
