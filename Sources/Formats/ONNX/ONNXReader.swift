import Foundation
import GraphIR
import OrderedCollections
import Tensors

/// Turns ONNX messages into a graph.
///
/// Fields that are present though empty or zero are carried too. A field is dropped from the
/// carried ones only where the writer sets it again.
struct ONNXReader {
  var source: TensorSource
  /// Provides the elements of the model's initializers when the messages come without them.
  var initializerData: ((_ name: String, _ type: TensorType) throws -> Tensor)?

  init(source: TensorSource) { self.source = source }

  /// The graph of a model.
  ///
  /// `proto` is consumed, so that its tensors are released as those of the graph are made.
  func model(_ proto: consuming Onnx_ModelProto) throws -> Graph {
    var main = proto.graph
    proto.clearGraph()
    var graph = try self.graph(&main, place: "", isMain: true)
    graph.properties = try properties(proto)
    return graph
  }

  private func properties(_ proto: Onnx_ModelProto) throws -> ModelProperties {
    var properties = ModelProperties()
    properties.irVersion = Int(proto.irVersion)
    properties.opsets = [:]
    for entry in proto.opsetImport {
      let (domain, version) = (entry.domain == "ai.onnx" ? "" : entry.domain, Int(entry.version))
      guard properties.opsets[domain, default: version] == version else {
        throw PlacedError("operator set '\(domain)'", "is imported in two versions")
      }
      properties.opsets[domain] = version
    }
    properties.producerName = proto.producerName
    properties.producerVersion = proto.producerVersion
    properties.domain = proto.domain
    properties.modelVersion = Int(proto.modelVersion)
    properties.documentation = proto.docString
    for entry in proto.metadataProps {
      guard properties.metadata.updateValue(entry.value, forKey: entry.key) == nil else {
        throw PlacedError("metadata '\(entry.key)'", "is there twice")
      }
    }
    properties.functions = proto.functions.map {
      Function(name: $0.name, domain: $0.domain, definition: $0.bytes)
    }
    var rest = proto
    rest.clearIrVersion()
    rest.opsetImport = []
    if !proto.producerName.isEmpty { rest.clearProducerName() }
    if !proto.producerVersion.isEmpty { rest.clearProducerVersion() }
    if !proto.domain.isEmpty { rest.clearDomain() }
    if proto.modelVersion != 0 { rest.clearModelVersion() }
    if !proto.docString.isEmpty { rest.clearDocString() }
    rest.metadataProps = []
    rest.functions = []
    properties.carried = rest.bytes
    return properties
  }

  private func graph(
    _ proto: inout Onnx_GraphProto, place: String, isMain: Bool = false
  ) throws -> Graph {
    var graph = Graph(name: proto.name)
    graph.documentation = proto.docString
    graph.inputs = try proto.input.map {
      try ValueInfo($0, place: "\(place)input '\($0.name)'")
    }
    graph.outputs = try proto.output.map {
      try ValueInfo($0, place: "\(place)output '\($0.name)'")
    }
    for info in proto.valueInfo {
      graph.valueTypes[info.name] = try ValueInfo(info, place: "\(place)value '\(info.name)'")
    }
    try readInitializers(&proto, into: &graph, place: place, isMain: isMain)
    graph.nodes = try proto.node.enumerated().map { index, node in
      try self.node(node, place: "\(place)node \(index) (\(node.opType) '\(node.name)')")
    }
    var rest = proto
    rest.node = []
    if !proto.name.isEmpty { rest.clearName() }
    if !proto.docString.isEmpty { rest.clearDocString() }
    rest.input = []
    rest.output = []
    rest.valueInfo = []
    graph.carried = rest.bytes
    return graph
  }

  private func readInitializers(
    _ proto: inout Onnx_GraphProto, into graph: inout Graph, place: String, isMain: Bool
  ) throws {
    func check(_ name: String, _ location: String) throws {
      guard !name.isEmpty else { throw PlacedError(location, "has no name") }
      guard graph.initializers[name] == nil else { throw PlacedError(location, "is there twice") }
    }
    for index in proto.initializer.indices {
      let tensor = proto.initializer[index]
      proto.initializer[index] = Onnx_TensorProto()
      let location = "\(place)initializer \(index) '\(tensor.name)'"
      try check(tensor.name, location)
      graph.initializers[tensor.name] = try initializer(tensor, place: location, isMain: isMain)
    }
    proto.initializer = []
    for (index, sparse) in proto.sparseInitializer.enumerated() {
      let name = sparse.values.name
      let location = "\(place)sparse initializer \(index) '\(name)'"
      try check(name, location)
      let tensor = try SparseTensor(sparse, source: source, place: location)
      graph.initializers[name] = Initializer(
        try tensor.dense(budget: source.budget, place: location), encoding: .sparse,
        documentation: sparse.values.docString, carried: sparse.values.carriedFields)
    }
    proto.sparseInitializer = []
  }

  private func initializer(
    _ proto: Onnx_TensorProto, place: String, isMain: Bool
  ) throws -> Initializer {
    var encoding: Initializer.Encoding = proto.dataLocation == .external ? .external : .dense
    let tensor: Tensor
    if let initializerData, isMain {
      let text = proto.externalData.first { $0.key == "encoding" }?.value ?? ""
      encoding = .init(rawValue: text) ?? .dense
      let type = try Tensor.type(of: proto, place: place)
      tensor =
        type.elementType == .string
        ? try Tensor(proto, source: source, place: place) : try initializerData(proto.name, type)
    } else {
      tensor = try Tensor(proto, source: source, place: place)
    }
    return Initializer(
      tensor, encoding: encoding, documentation: proto.docString, carried: proto.carriedFields)
  }

  private func node(_ proto: Onnx_NodeProto, place: String) throws -> Node {
    guard !proto.opType.isEmpty else { throw PlacedError(place, "names no operator") }
    var attributes: [(String, AttributeValue)] = []
    var names: Set<String> = []
    for attribute in proto.attribute {
      guard names.insert(attribute.name).inserted else {
        throw PlacedError(place, "has attribute '\(attribute.name)' twice")
      }
      let location = "\(place), attribute '\(attribute.name)'"
      attributes.append((attribute.name, try value(attribute, place: location)))
    }
    var rest = proto
    rest.input = []
    rest.output = []
    if !proto.name.isEmpty { rest.clearName() }
    rest.clearOpType()
    if !["", "ai.onnx"].contains(proto.domain) { rest.clearDomain() }
    if !proto.overload.isEmpty { rest.clearOverload() }
    if !proto.docString.isEmpty { rest.clearDocString() }
    rest.attribute = proto.attribute.compactMap(\.carried)
    return Node(
      proto.opType, domain: proto.domain, name: proto.name, inputs: proto.input,
      outputs: proto.output, attributes: Attributes(attributes), overload: proto.overload,
      documentation: proto.docString, carried: rest.bytes)
  }

  private func value(_ proto: Onnx_AttributeProto, place: String) throws -> AttributeValue {
    if !proto.refAttrName.isEmpty {
      return .reference(name: proto.refAttrName, kind: proto.type.rawValue)
    }
    func tensor(_ proto: Onnx_TensorProto) throws -> Tensor {
      try Tensor(proto, source: source, place: place)
    }
    func sparseTensor(_ proto: Onnx_SparseTensorProto) throws -> SparseTensor {
      try SparseTensor(proto, source: source, place: place)
    }
    func graph(_ proto: Onnx_GraphProto) throws -> Graph {
      var proto = proto
      return try self.graph(&proto, place: "\(place), ")
    }
    switch proto.kind {
    case .float: return .float(proto.f)
    case .int: return .int(Int(proto.i))
    case .string: return .string([UInt8](proto.s))
    case .tensor: return .tensor(try tensor(proto.t))
    case .graph: return .graph(try graph(proto.g))
    case .floats: return .floats(proto.floats)
    case .ints: return .ints(proto.ints.map { Int($0) })
    case .strings: return .strings(proto.strings.map { [UInt8]($0) })
    case .tensors: return .tensors(try proto.tensors.map(tensor))
    case .graphs: return .graphs(try proto.graphs.map(graph))
    case .sparseTensor: return .sparseTensor(try sparseTensor(proto.sparseTensor))
    case .sparseTensors: return .sparseTensors(try proto.sparseTensors.map(sparseTensor))
    case .typeProto: return .type(try ValueType(exactly: proto.tp, place: place))
    case .typeProtos:
      return .types(try proto.typeProtos.map { try ValueType(exactly: $0, place: place) })
    case .undefined: throw PlacedError(place, "has no value")
    }
  }
}
