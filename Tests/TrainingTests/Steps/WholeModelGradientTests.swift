import Operators
import ObjectDetection
import Execution
import Foundation
import Formats
import GraphIR
import TestSupport
import Tensors
import Testing
import Training

/// Gradients of whole networks in training mode against PyTorch, see
/// `Tools/goldens/whole_model_gradients.py`.
@Suite struct WholeModelGradientTests {
  private static let folder = SharedAssets.package.appending(path: "Tests/Goldens/Gradients")

  /// The largest normalised error of a gradient that counts as agreement.
  private static let bound = Tolerance.network.bound

  @Test(arguments: ["residual", "shuffle", "attention"], [1, 2])
  func agreeWithPyTorch(name: String, threads: Int) throws {
    let model = try ModelFile.load(Self.folder.appending(path: "\(name).onnx"))
    let golden = try ModelFile.load(Self.folder.appending(path: "\(name)-golden.onnx"))
    let x = try #require(golden[constant: "x"])
    var options = TrainingStep.Options(
      batchSize: x.shape[0], imageSize: (x.shape[2], x.shape[3]), engine: Engine(threads: threads))
    options.channels = x.shape[1]
    let step = try TrainingStep(
      model, taps: model.outputs.map(\.name),
      parameters: TrainableParameter.all(in: model, registry: .standard).map(\.name),
      options: options)
    for (index, value) in x.floats.enumerated() { step.images[index] = value }
    try step.forward()
    let seed = try #require(golden[constant: "seed"]).floats
    for (index, value) in seed.enumerated() { step.maps[0].gradient[index] = value }
    try step.backward()
    step.updateStatistics()

    let expected = golden.initializers.keys.filter { $0.hasPrefix("gradient/") }
    #expect(expected.count == step.parameters.count)
    // What normalisation or softmax takes away has a gradient of rounding alone, which the others'
    // scale puts in its place.
    let largest = expected.flatMap { golden[constant: $0]?.floats ?? [] }.reduce(Float(0)) {
      max($0, abs($1))
    }
    for (index, parameter) in step.parameters.enumerated() {
      let exact = try #require(golden[constant: "gradient/\(parameter)"]).floats
      let gradient = try #require(step.gradient(of: index))
      #expect(Self.error(Array(gradient), exact, floor: largest / 100) < Self.bound, "\(parameter)")
    }
    let updated = golden.initializers.keys.filter { $0.hasPrefix("updated/") }
    #expect(updated.count == step.statistics.count)
    for (index, statistic) in step.statistics.enumerated() {
      let exact = try #require(golden[constant: "updated/\(statistic)"]).floats
      #expect(
        Self.error(Array(step.values(ofStatistic: index)), exact, floor: 1e-3) < Self.bound,
        "\(statistic)")
    }
  }

  private static func error(_ values: [Float], _ exact: [Float], floor: Float) -> Double {
    let scale = exact.reduce(floor) { max($0, abs($1)) }
    return Double(zip(values, exact).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) } / scale)
  }
}
