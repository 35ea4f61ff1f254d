import Foundation
import GraphIR
import OrderedCollections
import Tensors

/// Turns ONNX messages into a graph.
struct ONNXReader {
  var external: ExternalData
  /// Gives the elements of initializers when the messages come without them.
  var initializerData: ((_ name: String, _ type: TensorType) throws -> Tensor)?

  init(external: ExternalData) { self.external = external }

  func model(_ proto: consuming Onnx_ModelProto) throws -> Graph {
    let inner = proto.graph
    proto.clearGraph()
    var graph = try self.graph(consume inner, place: "")
    var properties = ModelProperties()
    properties.irVersion = Int(proto.irVersion)
    properties.opsets = OrderedDictionary(
      proto.opsetImport.map { ($0.domain == "ai.onnx" ? "" : $0.domain, Int($0.version)) },
      uniquingKeysWith: { $1 })
    properties.producerName = proto.producerName
    properties.producerVersion = proto.producerVersion
    properties.domain = proto.domain
    properties.modelVersion = Int(proto.modelVersion)
    properties.documentation = proto.docString
    properties.metadata = OrderedDictionary(
      proto.metadataProps.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    properties.functions = proto.functions.map {
      Function(name: $0.name, domain: $0.domain, definition: $0.bytes)
    }
    var rest = consume proto
    rest.clearIrVersion()
    rest.opsetImport = []
    rest.clearProducerName()
    rest.clearProducerVersion()
    rest.clearDomain()
    rest.clearModelVersion()
    rest.clearDocString()
    rest.metadataProps = []
    rest.functions = []
    properties.carried = rest.bytes
    graph.properties = properties
    return graph
  }

  /// Turns a graph message into a graph; each initializer's message is let go once it is a tensor.
  func graph(_ proto: consuming Onnx_GraphProto, place: String) throws -> Graph {
    var graph = Graph(name: proto.name)
    graph.documentation = proto.docString
    graph.inputs = try proto.input.map { try value($0, place: "\(place)input '\($0.name)'") }
    graph.outputs = try proto.output.map { try value($0, place: "\(place)output '\($0.name)'") }
    for info in proto.valueInfo {
      graph.valueTypes[info.name] = try value(info, place: "\(place)value '\(info.name)'")
    }
    var tensors = proto.initializer
    proto.initializer = []
    for index in tensors.indices {
      let tensor = tensors[index]
      tensors[index] = Onnx_TensorProto()
      let location = "\(place)initializer '\(tensor.name)'"
      guard graph.initializers[tensor.name] == nil else {
        throw PlacedError(location, "is there twice")
      }
      graph.initializers[tensor.name] = try initializer(tensor, place: location)
    }
    for sparse in proto.sparseInitializer {
      let location = "\(place)sparse initializer '\(sparse.values.name)'"
      guard graph.initializers[sparse.values.name] == nil else {
        throw PlacedError(location, "is there twice")
      }
      let tensor = try SparseTensor(sparse, external: external, place: location)
      graph.initializers[sparse.values.name] = Initializer(
        try tensor.dense(place: location), encoding: .sparse,
        documentation: sparse.values.docString, carried: sparse.values.carriedFields)
    }
    graph.nodes = try proto.node.enumerated().map { index, node in
      try self.node(node, place: "\(place)node \(index) (\(node.opType) '\(node.name)')")
    }
    var rest = proto
    rest.node = []
    rest.clearName()
    rest.initializer = []
    rest.sparseInitializer = []
    rest.clearDocString()
    rest.input = []
    rest.output = []
    rest.valueInfo = []
    graph.carried = rest.bytes
    return graph
  }

  private func initializer(_ proto: Onnx_TensorProto, place: String) throws -> Initializer {
    if let initializerData, proto.dataType != ONNXElementType.code(of: .string) {
      guard let element = ONNXElementType.type(of: proto.dataType) else {
        throw PlacedError(place, "has the unknown element type \(proto.dataType)")
      }
      let type = TensorType(element, try Tensor.extents(proto.dims, place: place))
      return Initializer(
        try initializerData(proto.name, type),
        encoding: .init(text: proto.externalData.first { $0.key == "encoding" }?.value ?? ""),
        documentation: proto.docString, carried: proto.carriedFields)
    }
    var location: String?
    let tensor = try Tensor(proto, external: external, place: place, location: &location)
    return Initializer(
      tensor, encoding: location.map { .external(location: $0) } ?? .dense,
      documentation: proto.docString, carried: proto.carriedFields)
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
    rest.clearName()
    rest.clearOpType()
    rest.clearDomain()
    rest.clearOverload()
    rest.clearDocString()
    rest.attribute = proto.attribute.filter { $0.hasDocString }.map { attribute in
      Onnx_AttributeProto.with {
        $0.name = attribute.name
        $0.docString = attribute.docString
      }
    }
    return Node(
      proto.opType, domain: proto.domain, name: proto.name, inputs: proto.input,
      outputs: proto.output, attributes: Attributes(attributes), overload: proto.overload,
      documentation: proto.docString, carried: rest.bytes)
  }

  private func value(_ proto: Onnx_AttributeProto, place: String) throws -> AttributeValue {
    if proto.hasRefAttrName {
      return .reference(name: proto.refAttrName, kind: proto.type.rawValue)
    }
    var location: String?
    func tensor(_ proto: Onnx_TensorProto) throws -> Tensor {
      try Tensor(proto, external: external, place: place, location: &location)
    }
    switch proto.hasType ? proto.type : proto.kindOfFields {
    case .float: return .float(proto.f)
    case .int: return .int(Int(proto.i))
    case .string: return .string([UInt8](proto.s))
    case .tensor: return .tensor(try tensor(proto.t))
    case .graph: return .graph(try graph(proto.g, place: "\(place), "))
    case .floats: return .floats(proto.floats)
    case .ints: return .ints(proto.ints.map { Int($0) })
    case .strings: return .strings(proto.strings.map { [UInt8]($0) })
    case .tensors: return .tensors(try proto.tensors.map(tensor))
    case .graphs: return .graphs(try proto.graphs.map { try graph($0, place: "\(place), ") })
    case .sparseTensor:
      return .sparseTensor(
        try SparseTensor(proto.sparseTensor, external: external, place: place))
    case .sparseTensors:
      return .sparseTensors(
        try proto.sparseTensors.map {
          try SparseTensor($0, external: external, place: place)
        })
    case .typeProto: return .type(try type(proto.tp, place: place))
    case .typeProtos: return .types(try proto.typeProtos.map { try type($0, place: place) })
    case .undefined: throw PlacedError(place, "has no value")
    }
  }

  private func value(_ proto: Onnx_ValueInfoProto, place: String) throws -> ValueInfo {
    var rest = proto
    rest.clearName()
    rest.clearDocString()
    let type = proto.hasType ? try self.type(proto.type, place: place) : .undeclared
    if proto.hasType, !carriesDenotations(proto.type) { rest.clearType() }
    return ValueInfo(
      name: proto.name, type: type, documentation: proto.docString, carried: rest.bytes)
  }

  private func carriesDenotations(_ proto: Onnx_TypeProto) -> Bool {
    guard case .tensorType(let tensor) = proto.value else { return false }
    return proto.hasDenotation || tensor.shape.dim.contains { $0.hasDenotation }
      || !proto.unknownFields.data.isEmpty
  }

  private func type(_ proto: Onnx_TypeProto, place: String) throws -> ValueType {
    guard case .tensorType(let tensor) = proto.value,
      let element = ONNXElementType.type(of: tensor.elemType)
    else { return .opaque(proto.bytes) }
    guard tensor.hasShape else { return .tensor(element, shape: nil) }
    return .tensor(
      element,
      shape: try tensor.shape.dim.map { dimension in
        switch dimension.value {
        case .dimValue(let extent):
          guard extent >= 0 else { throw PlacedError(place, "has the negative extent \(extent)") }
          return .fixed(Int(extent))
        case .dimParam(let name): return name.isEmpty ? .unknown : .symbolic(name)
        case nil: return .unknown
        }
      })
  }
}

extension Onnx_AttributeProto {
  /// The kind of an attribute that does not name it, as files before IR version 3 do not.
  fileprivate var kindOfFields: AttributeType {
    if hasF { return .float }
    if hasI { return .int }
    if hasS { return .string }
    if hasT { return .tensor }
    if hasG { return .graph }
    if !floats.isEmpty { return .floats }
    if !ints.isEmpty { return .ints }
    if !strings.isEmpty { return .strings }
    if !tensors.isEmpty { return .tensors }
    return graphs.isEmpty ? .undefined : .graphs
  }
}
