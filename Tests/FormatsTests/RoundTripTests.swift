import Formats
import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

/// Writing and reading again gives the same graph.
@Suite struct RoundTripTests {
  static func throughHDF5(_ graph: Graph) throws -> Graph {
    try HDF5Format.parse(try HDF5Format.serialize(graph), file: "sample")
  }

  static func throughONNX(_ graph: Graph) throws -> Graph {
    try ONNXFormat.parse(try ONNXFormat.serialize(graph), file: "sample")
  }

  @Test func everyElementTypeAndAttributeKindSurvivesONNX() throws {
    #expect(try Self.throughONNX(SampleGraph.graph) == SampleGraph.graph)
  }

  @Test func everyElementTypeAndAttributeKindSurvivesHDF5() throws {
    #expect(try Self.throughHDF5(SampleGraph.graph) == SampleGraph.graph)
  }

  @Test func sparseWeightsKeepEveryBit() throws {
    #expect(try Self.throughONNX(SampleGraph.sparse) == SampleGraph.sparse)
    #expect(try Self.throughHDF5(SampleGraph.sparse) == SampleGraph.sparse)
  }

  @Test func largeWeightsInManyChunksSurviveHDF5() throws {
    var graph = Graph(name: "large")
    for (index, shape) in [[300_000], [3, 200_001], [130, 40, 3, 3, 5], [700, 300]].enumerated() {
      graph.initializers["w\(index)"] = Initializer(SampleGraph.tensor(.float32, shape))
    }
    #expect(try Self.throughHDF5(graph) == graph)
  }

  @Test func manyInitializersSurviveHDF5() throws {
    var graph = Graph(name: "many")
    for index in 0..<3000 {
      graph.initializers["weight.\(index)"] = Initializer(Tensor([Int32(index)]))
    }
    #expect(try Self.throughHDF5(graph) == graph)
  }

  @Test func theSameGraphMakesTheSameBytes() throws {
    #expect(
      try HDF5Format.serialize(SampleGraph.graph) == HDF5Format.serialize(SampleGraph.graph))
    #expect(
      try ONNXFormat.serialize(SampleGraph.graph) == ONNXFormat.serialize(SampleGraph.graph))
  }

  @Test func sparseStorageMakesFilesSmaller() throws {
    var weights = SampleGraph.tensor(.float32, [100, 100])
    weights.withUnsafeMutableElements(as: Float.self) {
      for index in $0.indices where index % 10 != 0 { $0[index] = 0 }
    }
    let graph = Graph(name: "pruned", initializers: ["w": Initializer(weights)])
    let dense = try ONNXFormat.serialize(graph).count
    let sparse = try ONNXFormat.serialize(graph, options: .init(sparseInitializers: true))
    #expect(dense > 40_000)
    #expect(sparse.count < 12 * 1000 + 200)
    #expect(try ONNXFormat.parse(sparse, file: "sparse").firstDifference(from: graph) == nil)
    // Values 4,000, mask 1,250, the objects around them and space that the library reserves.
    #expect(try HDF5Format.serialize(graph).count < 16_000)
  }

  @Test func manySmallWeightsTakeLittleMoreThanTheirBytes() throws {
    var graph = Graph(name: "small")
    for index in 0..<50 {
      graph.initializers["w\(index)"] = Initializer(
        SampleGraph.tensor(.float32, [8, 8, 3, 3], seed: UInt64(index)))
    }
    #expect(try HDF5Format.serialize(graph).count < 50 * (8 * 8 * 9 * 4 + 1500))
  }

  @Test(arguments: ["nn", "data"])
  func nodesOfTheOperatorSuiteSurvive(family: String) throws {
    for golden in try OperatorGolden.load(family) {
      var graph = golden.graph
      for (index, input) in golden.inputs.enumerated() {
        guard let input else { continue }
        graph.inputs.append(ValueInfo(name: "x\(index)", type: ValueType(input.type)))
        if golden.constants.contains(index) {
          graph.initializers["x\(index)"] = Initializer(input)
        }
      }
      graph.outputs = golden.node.outputs.map { ValueInfo(name: $0, type: .undeclared) }
      #expect(try Self.throughONNX(graph) == graph, "\(golden.name)")
      #expect(try Self.throughHDF5(graph) == graph, "\(golden.name)")
    }
  }

  @Test func aDifferenceIsNamed() {
    var graph = SampleGraph.graph
    graph.initializers["scalar"]?.tensor = Tensor(scalar: Float(4))
    #expect(SampleGraph.graph.firstDifference(from: graph) == "initializer 'scalar'")
    graph = SampleGraph.graph
    graph.nodes[1].attributes["int"] = .int(0)
    #expect(SampleGraph.graph.firstDifference(from: graph) == "Unheard 'unknown'")
    graph = SampleGraph.graph
    graph.initializers["scalar"]?.encoding = .sparse
    #expect(SampleGraph.graph.firstDifference(from: graph) == nil)
  }
}
