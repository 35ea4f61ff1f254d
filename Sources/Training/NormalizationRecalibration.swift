import Execution
import GraphIR
import Tensors

extension Graph {
  /// The graph with the running statistics of batch normalisations measured again.
  ///
  /// Each batch is normalised by its own statistics, as in training. The means and variances of all
  /// batches are averaged.
  ///
  /// - Parameters:
  ///   - batches: Preprocessed images `[N, C, H, W]` of equal shape, row-major.
  ///   - shape: That shape.
  /// - Returns: The graph, and how many statistics were measured.
  /// - Throws: ``TrainingError`` when the network does not take one batch of images, `NodeError`.
  public func recalibratingNormalization(
    batches: [[Float]], shape: [Int], engine: Engine
  ) throws -> (graph: Graph, count: Int) {
    let names = runningStatistics
    guard !names.isEmpty, !batches.isEmpty else { return (self, 0) }
    var options = TrainingStep.Options(
      batchSize: shape[0], imageSize: (shape[2], shape[3]), engine: engine)
    options.channels = shape[1]
    // With momentum 1 the stored statistics are those of the last batch alone.
    options.normalization = .batch(momentum: 1)
    let step = try TrainingStep(
      self, taps: lastConvolutions(engine.registry),
      parameters: TrainableParameter.all(in: self, registry: engine.registry).map(\.name),
      options: options)
    var sums = step.statistics.indices.map {
      [Double](repeating: 0, count: step.values(ofStatistic: $0).count)
    }
    for batch in batches {
      _ = step.images.update(fromContentsOf: batch)
      try step.forward()
      step.updateStatistics()
      for index in sums.indices {
        for (place, value) in step.values(ofStatistic: index).enumerated() {
          sums[index][place] += Double(value)
        }
      }
    }
    var values: [String: Tensor] = [:]
    for (index, name) in step.statistics.enumerated() {
      values[name] = Tensor(sums[index].map { Float($0 / Double(batches.count)) })
    }
    var graph = self
    graph.setConstants(values)
    return (graph, values.count)
  }
}
