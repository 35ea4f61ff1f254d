import Operators
import Execution
import GraphIR
import ObjectDetection
import Tensors

import Training

/// A small network with batch normalisation, an objective and seeded batches: what the trainer's
/// tests run on.
enum TinyProblem {
  static let size = 8
  static let parameters = [
    TrainableParameter(name: "w1", role: .weight),
    TrainableParameter(name: "g", role: .normalisation),
    TrainableParameter(name: "b", role: .normalisation),
    TrainableParameter(name: "w2", role: .weight), TrainableParameter(name: "b2", role: .bias),
  ]

  /// Conv 3×3 → BatchNormalization → Relu → Conv 1×1.
  static func network(seed: UInt64 = 1) -> Graph {
    var random = CounterRandom(seed: seed)
    func normal(_ shape: [Int], _ scale: Float) -> Initializer {
      let count = shape.reduce(1, *)
      return Initializer(
        Tensor(
          (0..<count).map { _ in Float.random(in: -scale...scale, using: &random) }, shape: shape))
    }
    var graph = Graph(
      nodes: [
        Node(
          "Conv", name: "c1", inputs: ["x", "w1"], outputs: ["a"],
          attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("BatchNormalization", name: "n", inputs: ["a", "g", "b", "m", "v"], outputs: ["h"]),
        Node("Relu", name: "r", inputs: ["h"], outputs: ["k"]),
        Node("Conv", name: "c2", inputs: ["k", "w2", "b2"], outputs: ["y"]),
      ],
      inputs: [
        ValueInfo(
          name: "x",
          type: .tensor(.float32, shape: [.symbolic("N"), .fixed(3), .fixed(size), .fixed(size)]))
      ],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.initializers = [
      "w1": normal([6, 3, 3, 3], 0.4), "g": Initializer(Tensor([Float](repeating: 1, count: 6))),
      "b": normal([6], 0.1), "m": Initializer(Tensor([Float](repeating: 0, count: 6))),
      "v": Initializer(Tensor([Float](repeating: 1, count: 6))), "w2": normal([2, 6, 1, 1], 0.4),
      "b2": normal([2], 0.1),
    ]
    return graph
  }

  /// Half the mean square distance to a fixed function of the images.
  final class Objective: TrainingObjective {
    let taps = ["y"]
    let partNames = ["square", "nothing"]
    /// The batch from which on the loss is not a number.
    var spoiledAfter = Int.max
    private var count = 0

    func evaluate(_ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool) -> LossValue {
      count += 1
      let map = maps[0]
      let (pixels, total) = (map.shape[2] * map.shape[3], map.shape.reduce(1, *))
      var loss = 0.0
      for index in 0..<total {
        let (image, channel, pixel) = (
          index / (2 * pixels), index / pixels % 2, index % pixels
        )
        let target = batch.images[(image * 3 + channel) * pixels + pixel] * 2 - 1
        let error = map.values[index] - target
        loss += Double(error * error) / 2
        map.gradient[index] += error / Float(total)
      }
      return LossValue(parts: [count > spoiledAfter ? .nan : loss / Double(total), 0])
    }
  }

  struct Source: BatchSource {
    let batchesPerEpoch = 5
    var batchSize = 4

    func batch(epoch: Int, index: Int) -> TrainingBatch {
      var random = CounterRandom(seed: 9, stream: UInt64(epoch * 100 + index))
      return TrainingBatch(
        images: (0..<batchSize * 3 * size * size).map { _ in
          Float.random(in: 0..<1, using: &random)
        }, targets: Array(repeating: [], count: batchSize))
    }
  }

  static func trainer(
    _ configure: (inout TrainingConfiguration) -> Void = { _ in }, threads: Int = 1,
    objective: Objective = Objective(), hooks: [any TrainingHook] = []
  ) throws -> Trainer {
    var configuration = TrainingConfiguration()
    configuration.epochs = 4
    configuration.batchSize = 4
    configuration.learningRate = 0.05
    configuration.warmupEpochs = 1
    configure(&configuration)
    return try Trainer(
      network(), objective: objective, parameters: parameters, source: Source(),
      imageSize: (size, size), configuration: configuration,
      engine: Engine(threads: threads), hooks: hooks)
  }
}
