import Operators
import ObjectDetection
import Execution
import Architectures
import Distill
import Formats
import GraphIR
import TestSupport
import Testing

@Suite struct FeaturePointTests {
  private func build(_ name: String, _ width: Double) throws -> Graph {
    let architecture = try #require(Architecture.named(name))
    return try architecture.build(
      ArchitectureOptions(classes: ["a", "b"], width: width, imageSize: 64))
  }

  @Test func theLastValuesBeforeTheHeadAreFound() throws {
    let points = try FeaturePoint.automatic(
      teacher: build("yolov8n", 0.5), student: build("yolov8n", 0.25), imageSize: (64, 64),
      registry: .standard)
    #expect(points.map(\.stride) == [8, 16, 32])
    #expect(points.map(\.teacher.channels) == [32, 64, 128])
    #expect(points.map(\.student.channels) == [16, 32, 64])
    let names = ["top2", "bottom1", "bottom2"].map { "neck.\($0).cv2.act" }
    #expect(points.map(\.teacher.name) == names)
    #expect(points.map(\.rows) == [8, 4, 2])
  }

  @Test(arguments: Architecture.all.map(\.name).filter { $0 != "vgg11" })
  func everyDetectorHasPoints(name: String) throws {
    let graph = try build(name, 0.5)
    let points = try FeaturePoint.automatic(
      teacher: graph, student: build("yolov8n", 0.25), imageSize: (64, 64),
      registry: .standard)
    #expect(!points.isEmpty, "\(name)")
  }

  @Test func namedPointsMustExistAndFit() throws {
    let (teacher, student) = (try build("yolov8n", 0.5), try build("yolov8n", 0.25))
    func points(_ own: String, _ other: String) throws -> [FeaturePoint] {
      try FeaturePoint.named(
        [(own, other)], teacher: teacher, student: student, imageSize: (64, 64),
        registry: .standard)
    }
    let stem = "backbone.stem.act"
    #expect(try points(stem, stem).map(\.stride) == [2])
    for (own, other) in [("nothing", stem), (stem, "nothing"), (stem, "neck.top2.cv2.act")] {
      #expect(throws: DistillationError.self) { try points(own, other) }
    }
  }
}
