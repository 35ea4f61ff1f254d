import CompressKit
import Testing

/// What a program outside of the package can add to each method, with its public interface alone.
@Suite struct StrangerTests {
  @Test func aWeightCriterion() throws {
    // The largest go first.
    let criterion = WeightCriterion(
      name: "largest", summary: "large absolute values go first", citation: "nobody",
      scores: { values, _ in values.map { -$0.magnitude } })
    var request = PruningRequest()
    (request.criterion, request.sparsity, request.keepsEnds) = (criterion, 0.25, false)
    let graph = Strange.network()
    let method = WeightPruning(.init(request))
    let plan = try method.plan(for: graph)
    #expect(plan.method == "largest")
    let outcome = try method.run(on: graph)
    #expect(outcome.plan == plan)
    let all = ["first.weight", "middle.weight", "last.weight"].flatMap { name in
      zip(graph[constant: name]?.floats ?? [], outcome.graph[constant: name]?.floats ?? [])
    }
    let zeroed = all.filter { $1 == 0 }.map(\.0.magnitude)
    let kept = all.filter { $1 != 0 }.map(\.0.magnitude)
    #expect(zeroed.count == Int((0.25 * Double(all.count)).rounded()))
    #expect((zeroed.min() ?? 0) >= (kept.max() ?? .infinity))
  }

  @Test func aChannelCriterion() throws {
    // Channels go from the last to the first.
    let criterion = ChannelCriterion(
      name: "last-first", summary: "the last go first", citation: "nobody", need: .weights,
      scores: { evidence, _ in evidence.filters.indices.map { Double(-$0) + 100 } })
    let graph = Strange.network()
    let method = ChannelPruning(criterion: criterion, target: .channels(0.25))
    let plan = try method.plan(for: graph).plan
    #expect(plan.method == "last-first")
    let removed = plan.layers.map(\.removed)
    #expect(removed.contains { !$0.isEmpty })
    for (layer, gone) in zip(plan.layers, removed) {
      #expect(gone.sorted() == Array(layer.channels - gone.count..<layer.channels))
    }
    let images = try CalibrationImages(graph, nil, count: 2, engine: Engine())
    #expect(try method.apply(plan, to: graph, images: images).proof.holds)
  }

  @Test func anObserver() throws {
    // Half of what was seen.
    let observer = Observer(name: "half", summary: "half of the range", needsHistogram: false) {
      statistics, _ in statistics.lowest / 2...statistics.highest / 2
    }
    let graph = Strange.network()
    func ranges(_ observer: Observer) throws -> [QuantizationPlan.Activation] {
      let sites = QuantizationSites(graph, registry: .standard)
      let images = TensorSet((0..<3).map { ["x": Strange.image($0)] })
      let seen = try Calibration(
        graph, values: sites.observed, countsNumbers: observer.needsHistogram, inputs: images,
        engine: Engine()
      ).statistics
      return try sites.observed.map { name in
        .init(
          name: name,
          range: try observer.range(
            of: try #require(seen[name]), scheme: QuantizationScheme()))
      }
    }
    let whole = try ranges(try #require(Observer.named("minmax")))
    let own = try ranges(observer)
    #expect(!own.isEmpty)
    for (one, other) in zip(whole, own) {
      #expect(other.highest == one.highest / 2 && other.lowest == one.lowest / 2)
    }
  }

  /// What is added is found by its name, by whoever looks for it later.
  ///
  /// In a process of its own, for other tests count what there is.
  @Test func whatIsAddedIsFound() async {
    await #expect(processExitsWith: .success) {
      WeightCriterion.add(
        WeightCriterion(name: "w", summary: "", citation: "", scores: { values, _ in values }))
      ChannelCriterion.add(
        ChannelCriterion(
          name: "c", summary: "", citation: "", need: .weights, scores: { _, _ in nil }))
      Observer.add(
        Observer(name: "o", summary: "", needsHistogram: false, choose: { _, _ in 0...1 }))
      DistillationLoss.add(
        DistillationLoss(
          name: "l", summary: "", citation: "", subject: .features,
          make: { _ in AbsoluteDistance() }))
      LossFamily.add(LossFamily(name: "f") { _ in NoLoss() })
      Architecture.add(
        Architecture(name: "a", summary: "", citation: "", build: { _ in Strange.network() }))
      RankRule.add(RankRule(text: "most") { _, all in all.ranks.last ?? [] }, summary: "")
      RankRuleForm.add(
        RankRuleForm(name: "part", example: 0.5, summary: "") { part in
          RankRule(text: "part=\(part)") { _, all in
            all.ranks[Int(part * Double(all.ranks.count - 1))]
          }
        })
      #expect(LossFamily.named("f") != nil && Architecture.named("a") != nil)
      #expect(RankRule("most") != nil && RankRule("part=0.25")?.text == "part=0.25")
      #expect(RankRule("part=2") == nil)
      #expect(WeightCriterion.named("w") != nil && ChannelCriterion.named("c") != nil)
      #expect(Observer.named("o") != nil)
      let choices = try DistillationChoice.parse("l=3")
      #expect(choices.first?.weight == 3)
    }
  }

  @Test func aHeadFamily() async {
    await #expect(processExitsWith: .success) { try detectsOneBox() }
  }

  @Test func aRankRule() throws {
    // A quarter of the ranks there are.
    let rule = RankRule(text: "quarter") { _, factorization in
      factorization.ranks[factorization.ranks.count / 4]
    }
    var configuration = LowRankFactorization.Configuration(.rule(rule))
    configuration.methods = [.spatialSVD]
    (configuration.gain, configuration.multiple) = (.macs, 1)
    configuration.keepsEnds = false
    let graph = Strange.network()
    let images = try CalibrationImages(graph, nil, count: 1, engine: Engine())
    let method = LowRankFactorization(configuration)
    let plan = try method.plan(for: graph, images: images).plan
    #expect(plan.rule == "quarter")
    #expect(!plan.layers.isEmpty)
    let outcome = try method.run(on: graph, images: images)
    #expect(outcome.proof.holds)
    #expect(try Engine().cost(of: outcome.graph).macs < Engine().cost(of: graph).macs)
  }

  @Test func aDistillationLoss() throws {
    let own = DistillationLoss(
      name: "absolute", summary: "absolute distance of features", citation: "nobody",
      subject: .features, weight: 2, make: { _ in AbsoluteDistance() })
    let choice = DistillationChoice(own)
    #expect(choice.weight == 2)
    let term = try own.make(
      DistillationContext(loss: choice, points: [], heads: nil, images: 1))
    var (student, gradient): ([Float], [Float]) = ([1, -2, 3], [0, 0, 0])
    let teacher: [Float] = [0, 0, 5]
    let loss = try student.withUnsafeMutableBufferPointer { student in
      try gradient.withUnsafeMutableBufferPointer { gradient in
        try teacher.withUnsafeBufferPointer { teacher in
          let map = RawMap(
            shape: [1, 3, 1, 1], values: UnsafePointer(try #require(student.baseAddress)),
            gradient: try #require(gradient.baseAddress))
          return try term.evaluate(
            DistillationBatch(
              pairs: [
                FeaturePair(
                  student: map, teacher: try #require(teacher.baseAddress), teacherChannels: 3,
                  stride: 8)
              ], pool: ThreadPool(threads: 1)), weight: 2)
        }
      }
    }
    #expect(loss == 10)
    #expect(gradient == [2, -2, -2])
  }
}

/// A loss of nothing.
private struct NoLoss: DetectionLoss {
  let partNames = ["nothing"]

  func evaluate(_ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool) -> LossValue {
    LossValue(parts: [0])
  }
}

/// `Σ |s − t|`.
private final class AbsoluteDistance: DistillationTerm {
  func evaluate(_ batch: DistillationBatch, weight: Float) -> Double {
    var total = 0.0
    for pair in batch.pairs {
      for index in 0..<pair.student.shape.reduce(1, *) {
        let difference = pair.student.values[index] - pair.teacher[index]
        total += Double(difference.magnitude)
        pair.student.gradient[index] += weight * (difference > 0 ? 1 : difference < 0 ? -1 : 0)
      }
    }
    return Double(weight) * total
  }
}

/// A detector whose head is a stranger's.
private func detectsOneBox() throws {
  // One box: left, top, right, bottom and a confidence in parts of the image.
  HeadFamily.add(
    HeadFamily(
      name: "single-box", summary: "one box [1,5]",
      recognize: { evidence in
        guard evidence.outputs.map(\.shape) == [[1, 5]] else { return nil }
        return HeadRecognition(
          configuration: HeadConfiguration(family: "single-box", classes: ["thing"]),
          reasons: ["there is one output of five numbers"])
      },
      decode: { outputs, configuration in
        guard let values = outputs.tensors[outputs.order[0]]?.floats,
          Double(values[4]) > configuration.confidence
        else { return [] }
        let (width, height) = (Double(outputs.width), Double(outputs.height))
        return [
          Detection(
            box: Box(
              left: Double(values[0]) * width, top: Double(values[1]) * height,
              right: Double(values[2]) * width, bottom: Double(values[3]) * height),
            classIndex: 0, confidence: Double(values[4]))
        ]
      }))
  var graph = Graph()
  graph.inputs = [Strange.input]
  graph.outputs = [ValueInfo(name: "box", type: .undeclared)]
  graph.properties.opsets = ["": 13]
  graph.nodes = [
    Node("GlobalAveragePool", inputs: ["x"], outputs: ["mean"]),
    Node("Flatten", inputs: ["mean"], outputs: ["row"]),
    Node("Gemm", inputs: ["row", "w", "b"], outputs: ["box"]),
  ]
  graph.initializers["w"] = Initializer(Tensor([Float](repeating: 0, count: 15), shape: [3, 5]))
  graph.initializers["b"] = Initializer(Tensor([0.25, 0.25, 0.75, 0.5, 0.9] as [Float]))
  let detector = try Detector(graph, engine: Engine())
  #expect(detector.configuration.family == "single-box")
  #expect(detector.configuration.classes == ["thing"])
  let pixels = PixelBuffer(
    width: 16, height: 16, pixels: [UInt8](repeating: 9, count: 16 * 16 * 3))
  let found = try detector.detect(pixels)
  #expect(found.count == 1)
  #expect(found.first?.box == Box(left: 4, top: 4, right: 12, bottom: 8))
}
