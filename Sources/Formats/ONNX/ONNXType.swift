import GraphIR

extension ValueType {
  /// The type of a message; kinds other than tensors stay serialised.
  ///
  /// - Throws: ``PlacedError`` for negative extents other than −1, which some exporters write for
  ///   an unknown extent.
  init(_ proto: Onnx_TypeProto, place: String) throws {
    guard case .tensorType(let tensor) = proto.value,
      let element = ONNXElementType.type(of: tensor.elemType)
    else {
      self = .opaque(proto.bytes)
      return
    }
    guard tensor.hasShape else {
      self = .tensor(element, shape: nil)
      return
    }
    self = .tensor(
      element,
      shape: try tensor.shape.dim.map { dimension in
        switch dimension.value {
        case .dimValue(-1), nil: return .unknown
        case .dimValue(let extent):
          guard extent >= 0 else { throw PlacedError(place, "has the negative extent \(extent)") }
          return .fixed(Int(extent))
        case .dimParam(let name): return name.isEmpty ? .unknown : .symbolic(name)
        }
      })
  }

  /// The type of a message, kept serialised when the graph does not model everything in it.
  init(exactly proto: Onnx_TypeProto, place: String) throws {
    let type = try ValueType(proto, place: place)
    self = Onnx_TypeProto(type) == proto ? type : .opaque(proto.bytes)
  }
}

extension Onnx_TypeProto {
  /// The message of a type.
  init(_ type: ValueType) {
    switch type {
    case .undeclared: self.init()
    case .opaque(let bytes): self.init(carried: bytes)
    case .tensor(let element, let shape):
      self.init()
      tensorType.elemType = ONNXElementType.code(of: element)
      guard let shape else { return }
      tensorType.shape = Onnx_TensorShapeProto.with { message in
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

extension ValueInfo {
  /// The value of a message.
  init(_ proto: Onnx_ValueInfoProto, place: String) throws {
    let type = proto.hasType ? try ValueType(proto.type, place: place) : .undeclared
    var rest = proto
    rest.clearName()
    if !proto.docString.isEmpty { rest.clearDocString() }
    if Onnx_TypeProto(type) == proto.type { rest.clearType() }
    self.init(
      name: proto.name, type: type, documentation: proto.docString, carried: rest.bytes)
  }
}

extension Onnx_ValueInfoProto {
  /// The message of a value.
  ///
  /// It keeps the type message that it was read with as long as the type is the same.
  init(_ info: ValueInfo) {
    self.init(carried: info.carried)
    name = info.name
    set(\.docString, info.documentation)
    if info.type == .undeclared {
      clearType()
    } else if !hasType || (try? ValueType(type, place: "")) != info.type {
      type = Onnx_TypeProto(info.type)
    }
  }
}
