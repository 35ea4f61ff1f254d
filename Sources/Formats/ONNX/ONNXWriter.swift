import Foundation
import GraphIR
import Tensors

/// Turns a graph into ONNX messages.
struct ONNXWriter {
  /// Where the elements of the model's initializers go.
  enum InitializerData {
    /// Into the messages, except external ones, which go to a file of the given name beside the
    /// model.
    case messages(externalFile: String?)
    /// To another place; the messages keep type, shape and encoding. Initializers of subgraphs stay
    /// in the messages.
    case elsewhere
  }

  var options: ONNXFormat.SaveOptions
  var initializerData: InitializerData
  /// The tensors of the external file, each with its offset.
  private(set) var external: [(offset: Int, tensor: Tensor)] = []
  private var externalEnd = 0

  init(options: ONNXFormat.SaveOptions = .init(), initializerData: InitializerData) {
    self.options = options
    self.initializerData = initializerData
  }

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
    proto.metadataProps = properties.metadata.map { .entry($0.key, $0.value) }
    proto.functions = properties.functions.map { Onnx_FunctionProto(carried: $0.definition) }
    proto.graph = self.graph(graph, isMain: true)
    return proto
  }

  private mutating func graph(_ graph: Graph, isMain: Bool) -> Onnx_GraphProto {
    var proto = Onnx_GraphProto(carried: graph.carried)
    proto.set(\.name, graph.name)
    proto.set(\.docString, graph.documentation)
    proto.input = graph.inputs.map(Onnx_ValueInfoProto.init)
    proto.output = graph.outputs.map(Onnx_ValueInfoProto.init)
    proto.valueInfo = graph.valueTypes.values.map(Onnx_ValueInfoProto.init)
    for node in graph.nodes { proto.node.append(self.node(node)) }
    for (name, initializer) in graph.initializers {
      if case .elsewhere = initializerData, isMain {
        proto.initializer.append(bareMessage(initializer, name: name))
      } else {
        add(initializer, name: name, to: &proto, isMain: isMain)
      }
    }
    return proto
  }

  /// A message without elements.
  ///
  /// Strings stay in it, because HDF5 datasets do not take them.
  private func bareMessage(_ initializer: Initializer, name: String) -> Onnx_TensorProto {
    var message = tensorMessage(initializer.tensor, name: name, initializer)
    message.clearRawData()
    message.externalData = [.entry("encoding", initializer.encoding.rawValue)]
    return message
  }

  private mutating func add(
    _ initializer: Initializer, name: String, to proto: inout Onnx_GraphProto, isMain: Bool
  ) {
    let tensor = initializer.tensor
    let isSparse =
      initializer.encoding == .sparse
      || initializer.encoding == .dense && options.sparseInitializers && tensor.isSmallerSparse
    if isSparse, let sparse = SparseTensor(tensor) {
      var message = Onnx_SparseTensorProto()
      message.set(sparse)
      message.values = tensorMessage(sparse.values, name: name, initializer)
      proto.sparseInitializer.append(message)
    } else if case .messages(let file?) = initializerData, isMain, liesBeside(initializer) {
      proto.initializer.append(externalMessage(initializer, name: name, file: file))
    } else {
      proto.initializer.append(tensorMessage(tensor, name: name, initializer))
    }
  }

  private func liesBeside(_ initializer: Initializer) -> Bool {
    guard initializer.tensor.elementType != .string else { return false }
    if initializer.encoding == .external { return true }
    return options.externalDataFrom.map { initializer.tensor.byteCount >= $0 } ?? false
  }

  private mutating func externalMessage(
    _ initializer: Initializer, name: String, file: String
  ) -> Onnx_TensorProto {
    let tensor = initializer.tensor
    let offset = (externalEnd + 63) / 64 * 64
    external.append((offset, tensor))
    externalEnd = offset + tensor.byteCount
    var message = Onnx_TensorProto(carried: initializer.carried)
    message.dims = tensor.shape.map { Int64($0) }
    message.dataType = ONNXElementType.code(of: tensor.elementType)
    message.name = name
    message.set(\.docString, initializer.documentation)
    message.dataLocation = .external
    message.externalData = [
      .entry("location", file), .entry("offset", "\(offset)"),
      .entry("length", "\(tensor.byteCount)"),
    ]
    return message
  }

  private func tensorMessage(
    _ tensor: Tensor, name: String, _ initializer: Initializer
  ) -> Onnx_TensorProto {
    var message = Onnx_TensorProto(carried: initializer.carried)
    message.set(tensor)
    message.name = name
    message.set(\.docString, initializer.documentation)
    return message
  }

  private mutating func node(_ node: Node) -> Onnx_NodeProto {
    var proto = Onnx_NodeProto(carried: node.carried)
    let carried = Dictionary(
      proto.attribute.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    proto.input = node.inputs
    proto.output = node.outputs
    proto.set(\.name, node.name)
    proto.opType = node.opType
    proto.set(\.domain, node.domain)
    proto.set(\.overload, node.overload)
    proto.set(\.docString, node.documentation)
    proto.attribute = []
    for (name, value) in node.attributes.elements {
      proto.attribute.append(attribute(value, name: name, carried: carried[name]))
    }
    return proto
  }

  private mutating func attribute(
    _ value: AttributeValue, name: String, carried: Onnx_AttributeProto?
  ) -> Onnx_AttributeProto {
    var proto = Onnx_AttributeProto(name: name, carried: carried)
    switch value {
    case .float(let value): (proto.f, proto.type) = (value, .float)
    case .int(let value): (proto.i, proto.type) = (Int64(value), .int)
    case .string(let value): (proto.s, proto.type) = (Data(value), .string)
    case .tensor(let value):
      proto.type = .tensor
      proto.t = carried?.t ?? Onnx_TensorProto()
      proto.t.set(value)
    case .graph(let value): (proto.g, proto.type) = (graph(value, isMain: false), .graph)
    case .floats(let values): (proto.floats, proto.type) = (values, .floats)
    case .ints(let values): (proto.ints, proto.type) = (values.map { Int64($0) }, .ints)
    case .strings(let values): (proto.strings, proto.type) = (values.map { Data($0) }, .strings)
    case .tensors(let values):
      proto.type = .tensors
      for (index, value) in values.enumerated() {
        let old = carried.flatMap { $0.tensors.count == values.count ? $0.tensors[index] : nil }
        proto.tensors.append(old ?? Onnx_TensorProto())
        proto.tensors[index].set(value)
      }
    case .graphs(let values):
      proto.type = .graphs
      for value in values { proto.graphs.append(graph(value, isMain: false)) }
    case .sparseTensor(let value):
      proto.type = .sparseTensor
      proto.sparseTensor = carried?.sparseTensor ?? Onnx_SparseTensorProto()
      proto.sparseTensor.set(value)
    case .sparseTensors(let values):
      proto.type = .sparseTensors
      for (index, value) in values.enumerated() {
        let old = carried.flatMap {
          $0.sparseTensors.count == values.count ? $0.sparseTensors[index] : nil
        }
        proto.sparseTensors.append(old ?? Onnx_SparseTensorProto())
        proto.sparseTensors[index].set(value)
      }
    case .type(let value): (proto.tp, proto.type) = (Onnx_TypeProto(value), .typeProto)
    case .types(let values):
      (proto.typeProtos, proto.type) = (values.map(Onnx_TypeProto.init), .typeProtos)
    case .reference(let name, let kind):
      proto.refAttrName = name
      proto.type = Onnx_AttributeProto.AttributeType(rawValue: kind) ?? .undefined
    }
    return proto
  }
}

extension Onnx_StringStringEntryProto {
  /// A key with its value.
  static func entry(_ key: String, _ value: String) -> Onnx_StringStringEntryProto {
    .with {
      $0.key = key
      $0.value = value
    }
  }
}

/// Messages whose text fields stay unset when they would be empty.
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
