import Execution
import Formats
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Tensors
import Testing

import ToyDetector

@Suite struct DetectorTests {
  /// AP50 on held-out scenes below which the example would show nothing.
  static let floor = 0.6

  @Test func fittedDetectorFindsShapesInScenesItNeverSaw() throws {
    let (training, validation) = Scene.split(seed: 1, training: 200, validation: 60)
    let graph = try ClosedFormDetector(seed: 1, threads: 2).fit(training)
    try graph.verify()
    let folder = try TemporaryFolder()
    try SceneDataset.write(training: [], validation: validation, to: folder.url)
    let file = folder.url.appending(path: "toy.onnx")
    try ModelFile.save(graph, to: file)
    let loaded = try ModelFile.load(file)
    let detector = try Detector(SceneRuntime(loaded), graph: loaded)
    #expect(detector.configuration.family == "yolox")
    #expect(detector.configuration.preprocessing == NetworkBuilder.preprocessing)
    #expect(detector.configuration.classes == Scene.Shape.allCases.map(\.name))
    let score = try DetectorEvaluation(
      [detector], on: try Dataset.load(folder.url.appending(path: "data.yaml"), split: "val"),
      pool: ThreadPool(threads: 2))
    #expect(score.summary.ap50 > Self.floor, "AP50 is \(score.summary.ap50)")
    #expect(score.classes.allSatisfy { $0.ap50 > Self.floor / 2 }, "\(score.classes)")
  }

  @Test func aSeedAlwaysFitsTheSameDetectorAtAnyThreadCount() throws {
    let (scenes, _) = Scene.split(seed: 2, training: 8, validation: 1)
    let one = try ClosedFormDetector(seed: 9, templates: 16, threads: 1).fit(scenes)
    let two = try ClosedFormDetector(seed: 9, templates: 16, threads: 2).fit(scenes)
    #expect(one == two)
    #expect(try ClosedFormDetector(seed: 10, templates: 16).fit(scenes) != one)
  }

  @Test func ridgeRegressionRecoversALinearMap() {
    var random = CounterRandom(seed: 1)
    let slopes: [Float] = [2, -1, 0.5]
    var features = Matrix(columns: 3)
    var targets = Matrix(columns: 1)
    for _ in 0..<200 {
      let x = (0..<3).map { _ in random.normal() }
      features.values += x
      targets.values.append(zip(slopes, x).reduce(4) { $0 + $1.0 * $1.1 })
    }
    let fit = RidgeRegression(
      features: features, targets: targets, relativePenalty: 1e-12, pool: ThreadPool(threads: 1))
    #expect(
      normalizedMaxError(fit.weights + fit.intercepts, slopes + [4]) < Tolerance.fastMath.bound)
  }
}

/// A session as the network of a detector.
private final class SceneRuntime: DetectorRuntime {
  let session: Session
  let inputShape = [1, 3, Scene.side, Scene.side]
  let input: UnsafeMutablePointer<Float>
  var outputNames: [String] { session.outputNames }

  init(_ graph: Graph) throws {
    session = try Session(
      graph, registry: .standard,
      options: SessionOptions(threads: 2, passes: StandardRewrites.inference))
    input = try #require(session.input("image")).base.assumingMemoryBound(to: Float.self)
  }

  func run() throws -> [String: Tensor] {
    try session.run()
    return session.outputNames.reduce(into: [:]) { $0[$1] = session.output($1) }
  }
}
