import Foundation
import GraphIR
import Tensors

/// Turns a graph into ONNX messages.
struct ONNXWriter {
  var options: ONNXFormat.SaveOptions
  var embedsExternal = false
  /// Whether initializers go without their elements, which then lie elsewhere.
  var omitsInitializerData = false
  /// Bytes of the external files, by location.
  private(set) var external: [String: Data] = [:]

  init(options: ONNXFormat.SaveOptions) { self.options = options }

  mutating func model(_ graph: Graph) -> Onnx_ModelProto {
    let properties = graph.properties
    var proto = Onnx_ModelProto(carried: properties.carried)
    proto.irVersion = Int64(properties.irVersion)
    proto.opsetImport = properties.opsets.map { domain, version in
      Onnx_OperatorSetIdProto.with {
        $0.domain = domain
        $0.version = Int64(version)
      }
    }
    proto.set(\.producerName, properties.producerName)
    proto.set(\.producerVersion, properties.producerVersion)
    proto.set(\.domain, properties.domain)
    if properties.modelVersion != 0 { proto.modelVersion = Int64(properties.modelVersion) }
    proto.set(\.docString, properties.documentation)
    proto.metadataProps = properties.metadata.map { key, value in
      Onnx_StringStringEntryProto.with {
        $0.key = key
        $0.value = value
      }
    }
    proto.functions = properties.functions.map { Onnx_FunctionProto(carried: $0.definition) }
    proto.graph = self.graph(graph)
    return proto
  }

  private mutating func graph(_ graph: Graph) -> Onnx_GraphProto {
    var proto = Onnx_GraphProto(carried: graph.carried)
    proto.set(\.name, graph.name)
    proto.set(\.docString, graph.documentation)
    proto.input = graph.inputs.map(value)
    proto.output = graph.outputs.map(value)
    proto.valueInfo = graph.valueTypes.values.map(value)
    proto.node = []
    for node in graph.nodes { proto.node.append(self.node(node)) }
    for (name, initializer) in graph.initializers { add(initializer, name: name, to: &proto) }
    return proto
  }

  private mutating func add(
    _ initializer: Initializer, name: String, to proto: inout Onnx_GraphProto
  ) {
    let tensor = initializer.tensor
    if omitsInitializerData {
      var message = tensorMessage(tensor, name: name, initializer)
      if tensor.elementType != .string { message.clearRawData() }
      message.externalData = [
        Onnx_StringStringEntryProto.with {
          $0.key = "encoding"
          $0.value = initializer.encoding.text
        }
      ]
      proto.initializer.append(message)
      return
    }
    let isSparse = initializer.encoding == .sparse || options.sparseInitializers
    if isSparse, let sparse = SparseTensor(compacting: tensor) {
      var message = Onnx_SparseTensorProto(sparse)
      message.values = tensorMessage(sparse.values, name: name, initializer)
      proto.sparseInitializer.append(message)
      return
    }
    var message = tensorMessage(tensor, name: name, initializer)
    if case .external(let location) = initializer.encoding, !embedsExternal {
      let offset = ((external[location]?.count ?? 0) + 63) / 64 * 64
      var file = external[location] ?? Data()
      file.append(Data(count: offset > file.count ? offset - file.count : 0))
      let start = file.count
      file.append(message.rawData)
      external[location] = file
      message.clearRawData()
      message.dataLocation = .external
      message.externalData = [
        ("location", location), ("offset", "\(start)"), ("length", "\(tensor.byteCount)"),
      ].map { key, value in
        Onnx_StringStringEntryProto.with {
          $0.key = key
          $0.value = value
        }
      }
    }
    proto.initializer.append(message)
  }

  private func tensorMessage(
    _ tensor: Tensor, name: String, _ initializer: Initializer
  ) -> Onnx_TensorProto {
    var message = Onnx_TensorProto(carried: initializer.carried)
    let bare = Onnx_TensorProto(tensor, name: name)
    message.dims = bare.dims
    message.dataType = bare.dataType
    message.name = name
    if tensor.elementType == .string {
      message.stringData = bare.stringData
    } else {
      message.rawData = bare.rawData
    }
    message.set(\.docString, initializer.documentation)
    return message
  }

  private mutating func node(_ node: Node) -> Onnx_NodeProto {
    var proto = Onnx_NodeProto(carried: node.carried)
    let comments = Dictionary(
      proto.attribute.map { ($0.name, $0.docString) }, uniquingKeysWith: { $1 })
    proto.input = node.inputs
    proto.output = node.outputs
    proto.set(\.name, node.name)
    proto.opType = node.opType
    proto.set(\.domain, node.domain)
    proto.set(\.overload, node.overload)
    proto.set(\.docString, node.documentation)
    proto.attribute = []
    for (name, value) in node.attributes.elements {
      var attribute = self.attribute(value)
      attribute.name = name
      if let comment = comments[name] { attribute.docString = comment }
      proto.attribute.append(attribute)
    }
    return proto
  }

  private mutating func attribute(_ value: AttributeValue) -> Onnx_AttributeProto {
    var proto = Onnx_AttributeProto()
    switch value {
    case .float(let value): (proto.f, proto.type) = (value, .float)
    case .int(let value): (proto.i, proto.type) = (Int64(value), .int)
    case .string(let value): (proto.s, proto.type) = (Data(value), .string)
    case .tensor(let value): (proto.t, proto.type) = (Onnx_TensorProto(value), .tensor)
    case .graph(let value): (proto.g, proto.type) = (graph(value), .graph)
    case .floats(let values): (proto.floats, proto.type) = (values, .floats)
    case .ints(let values): (proto.ints, proto.type) = (values.map { Int64($0) }, .ints)
    case .strings(let values): (proto.strings, proto.type) = (values.map { Data($0) }, .strings)
    case .tensors(let values):
      (proto.tensors, proto.type) = (values.map { Onnx_TensorProto($0) }, .tensors)
    case .graphs(let values):
      proto.type = .graphs
      for value in values { proto.graphs.append(graph(value)) }
    case .sparseTensor(let value):
      (proto.sparseTensor, proto.type) = (Onnx_SparseTensorProto(value), .sparseTensor)
    case .sparseTensors(let values):
      (proto.sparseTensors, proto.type) = (
        values.map { Onnx_SparseTensorProto($0) }, .sparseTensors
      )
    case .type(let value): (proto.tp, proto.type) = (type(value), .typeProto)
    case .types(let values): (proto.typeProtos, proto.type) = (values.map(type), .typeProtos)
    case .reference(let name, let kind):
      proto.refAttrName = name
      proto.type = Onnx_AttributeProto.AttributeType(rawValue: kind) ?? .undefined
    }
    return proto
  }

  private func value(_ info: ValueInfo) -> Onnx_ValueInfoProto {
    var proto = Onnx_ValueInfoProto(carried: info.carried)
    proto.name = info.name
    proto.set(\.docString, info.documentation)
    if info.type != .undeclared {
      let denoted = proto.type
      proto.type = type(info.type)
      if denoted.hasDenotation { proto.type.denotation = denoted.denotation }
      for (axis, dimension) in denoted.tensorType.shape.dim.enumerated()
      where dimension.hasDenotation && axis < proto.type.tensorType.shape.dim.count {
        proto.type.tensorType.shape.dim[axis].denotation = dimension.denotation
      }
    }
    return proto
  }

  private func type(_ type: ValueType) -> Onnx_TypeProto {
    switch type {
    case .undeclared: return Onnx_TypeProto()
    case .opaque(let bytes): return Onnx_TypeProto(carried: bytes)
    case .tensor(let element, let shape):
      return Onnx_TypeProto.with { proto in
        proto.tensorType.elemType = ONNXElementType.code(of: element)
        guard let shape else { return }
        proto.tensorType.shape = Onnx_TensorShapeProto.with { message in
          message.dim = shape.map { dimension in
            Onnx_TensorShapeProto.Dimension.with {
              switch dimension {
              case .fixed(let extent): $0.dimValue = Int64(extent)
              case .symbolic(let name): $0.dimParam = name
              case .unknown: break
              }
            }
          }
        }
      }
    }
  }
}

extension Initializer.Encoding {
  /// The encoding in words, for files that keep the elements elsewhere.
  var text: String {
    switch self {
    case .dense: "dense"
    case .sparse: "sparse"
    case .external(let location): "external:\(location)"
    }
  }

  /// The encoding that ``text`` describes.
  init(text: String) {
    if text == "sparse" {
      self = .sparse
    } else if text.hasPrefix("external:") {
      self = .external(location: String(text.dropFirst("external:".count)))
    } else {
      self = .dense
    }
  }
}

/// Messages whose text fields stay unset when there is nothing to say.
protocol TextFields {}

extension TextFields {
  mutating func set(_ field: WritableKeyPath<Self, String>, _ text: String) {
    if !text.isEmpty { self[keyPath: field] = text }
  }
}

extension Onnx_ModelProto: TextFields {}
extension Onnx_GraphProto: TextFields {}
extension Onnx_NodeProto: TextFields {}
extension Onnx_TensorProto: TextFields {}
extension Onnx_ValueInfoProto: TextFields {}
