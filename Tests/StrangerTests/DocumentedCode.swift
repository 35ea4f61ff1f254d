import CompressKit
import Foundation

// The Swift code of the pages, word for word. `DocumentedCodeTests` looks for every block here, and
// the compiler says whether it is right. Nothing of it runs.

/// `README.md` and the page of `CompressKit`.
enum ShortestProgram {
  static func readme() throws {
    let model = try ModelArtifact("model.onnx")
    let images = try CalibrationImages(folder: "images/", for: model, count: 64)
    let method = ChannelPruning(criterion: .l1, target: .macs(0.7))
    let plan = try method.plan(model, images)  // alters nothing, can be saved and replayed
    let slim = try method.apply(plan, to: model, images)  // cut, proved, refitted
    try slim.save("slim.onnx")  // checked against the plan, read back
  }
}

/// `Documentation/Library.md`.
enum LibraryPage {
  static func methods(
    _ model: ModelArtifact, _ images: CalibrationImages, _ dataset: Dataset, _ engine: Engine
  ) throws {
    var request = PruningRequest()
    request.sparsity = 0.5
    let sparsifier = WeightPruning(.init(request), engine: engine)
    let zeros = try sparsifier.plan(model)
    try sparsifier.apply(zeros, to: model).save("sparse.onnx")

    let factoriser = LowRankFactorization(.init(.macs(0.8)), engine: engine)
    let ranks = try factoriser.plan(model, images)
    try factoriser.apply(ranks, to: model, images).save("thin.onnx")

    var configuration = Quantization.Configuration()
    configuration.observer = .entropy
    configuration.excluded = [NamePattern("*/detect/*")]
    let quantizer = Quantization(configuration, engine: engine)
    let ranges = try quantizer.plan(model, images)
    try quantizer.apply(ranges, to: model, images).save("int8.onnx")

    let teacher = try DistilledDetector(model.graph, head: HeadSettings(), engine: engine)
    let file = try ModelArtifact("slim.onnx")
    let student = try StudentModel(file, registry: engine.registry)
    var training = DetectorTraining.Settings()
    training.training.epochs = 20
    let distillation = try Distillation(
      .init(losses: DistillationChoice.parse("kd,ld"), training: training),
      teacher: teacher, teacherDigest: model.sha256,
      student: student.reading(settings: HeadSettings(), engine: engine), engine: engine)
    let lesson = try distillation.plan()
    let outcome = try distillation.run(lesson, on: dataset)
    try CompressedModel(
      graph: student.delivered(outcome.trainer.current), of: file, record: DistillRecord(lesson),
      prediction: nil
    ).save("distilled.onnx")

    let largest = WeightCriterion(
      name: "largest", summary: "large absolute values go first", citation: "nobody",
      scores: { values, _ in values.map { -$0.magnitude } })
    WeightCriterion.add(largest)
    request.criterion = largest
  }

  static func plans(_ plan: ChannelPlan) throws {
    try PlanFile.encode(plan).write(to: URL(filePath: "plan.json"))
    let again = try PlanFile.decode(ChannelPlan.self, from: "plan.json")
    _ = again
  }

  static func scores(_ written: ModelArtifact, _ engine: Engine) throws {
    let dataset = try Dataset.load(URL(filePath: "coco/"), reading: DatasetReading())
    let score = try DetectorEvaluation(written.graph, on: dataset, engine: engine)
    print(score.summary.ap, score.classes.map(\.ap))

    let detector = try Detector(written.graph, engine: engine)
    for found in try detector.detect(ImageFile.load(URL(filePath: "street.jpg"))) {
      print(detector.configuration.classes[found.classIndex], found.confidence, found.box)
    }
  }

  static func progress() {
    struct Notes: ProgressObserver {
      func observe(_ event: ProgressEvent) {
        if case .note(_, let text) = event { print(text) }
      }
    }
    let engine = Engine(threads: 2, progress: Notes())
    _ = engine
  }
}

/// `Documentation/WeightPruning.md`.
enum WeightPruningPage {
  static func secondOrder(
    _ model: ModelArtifact, _ images: CalibrationImages, _ engine: Engine
  ) throws {
    var request = PruningRequest()
    (request.criterion, request.scope, request.sparsity) = (.secondOrder, .measured, 0.5)
    let method = WeightPruning(.init(request), engine: engine)
    let plan = try method.plan(model, images)
    try method.apply(plan, to: model, images).save("sparse.onnx")
  }
}

/// The pages of modules.
enum ModulePages {
  static func compressKit() throws {
    let model = try ModelArtifact("model.onnx")
    let images = try CalibrationImages(folder: "images/", for: model, count: 64)
    let method = ChannelPruning(criterion: .l1, target: .macs(0.7))
    let plan = try method.plan(model, images)
    try method.apply(plan, to: model, images).save("slim.onnx")
  }

  static func architectures() throws {
    let graph = try Architecture.yolov8n.build(ArchitectureOptions(classes: ["cat", "dog"]))
    _ = graph
  }

  static func execution(_ graph: Graph, _ tensor: Tensor, _ engine: Engine) throws {
    let session = try engine.session(graph)
    let outputs = try session.run(["x": tensor])
    _ = outputs
  }

  static func formats() throws {
    let graph = try ModelFile.load(URL(filePath: "model.onnx"))
    try ModelFile.save(graph, to: URL(filePath: "model.h5"))
  }

  static func graphIR() throws {
    var graph = Graph()
    graph.inputs = [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 8, 8])))]
    graph.outputs = [ValueInfo(name: "y", type: .undeclared)]
    graph.properties.opsets = ["": 13]
    graph.nodes = [Node("Relu", inputs: ["x"], outputs: ["y"])]
    try graph.verify()
  }

  static func objectDetection(_ graph: Graph) throws {
    let dataset = try Dataset.load(URL(filePath: "coco/"), reading: DatasetReading())
    let evaluation = try DetectorEvaluation(graph, on: dataset, engine: Engine(threads: 2))
    print(evaluation.summary.ap)
  }

  static func prune(_ graph: Graph) throws {
    let pruning = ChannelPruning(criterion: .l1, target: .macs(0.7))
    let plan = try pruning.plan(for: graph).plan
    print(plan.removedChannels, "of", plan.channels)
  }

  static func tensors() {
    let tensor = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    print(tensor.shape, tensor.floats)
  }
}
