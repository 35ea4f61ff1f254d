import Foundation
import GraphIR
import Tensors

extension Onnx_AttributeProto {
  /// The kind of the value.
  ///
  /// Where none is named, as in files before IR version 3, the field that is set decides.
  var kind: AttributeType {
    if hasType { return type }
    if hasF { return .float }
    if hasI { return .int }
    if hasS { return .string }
    if hasT { return .tensor }
    if hasG { return .graph }
    if hasSparseTensor { return .sparseTensor }
    if hasTp { return .typeProto }
    if !floats.isEmpty { return .floats }
    if !ints.isEmpty { return .ints }
    if !strings.isEmpty { return .strings }
    if !tensors.isEmpty { return .tensors }
    if !graphs.isEmpty { return .graphs }
    if !sparseTensors.isEmpty { return .sparseTensors }
    return typeProtos.isEmpty ? .undefined : .typeProtos
  }

  /// The fields of an attribute that the graph does not model, with its name; `nil` when there are
  /// none.
  var carried: Onnx_AttributeProto? {
    let bare = Onnx_AttributeProto.with { $0.name = name }
    var rest = bare
    if hasDocString { rest.docString = docString }
    rest.unknownFields = unknownFields
    let (dense, sparse) = (Onnx_TensorProto(), Onnx_SparseTensorProto())
    if hasT, t.withoutElements != dense { rest.t = t.withoutElements }
    let tensors = tensors.map(\.withoutElements)
    if tensors.contains(where: { $0 != dense }) { rest.tensors = tensors }
    if hasSparseTensor, sparseTensor.withoutElements != sparse {
      rest.sparseTensor = sparseTensor.withoutElements
    }
    let sparseTensors = sparseTensors.map(\.withoutElements)
    if sparseTensors.contains(where: { $0 != sparse }) { rest.sparseTensors = sparseTensors }
    return rest == bare ? nil : rest
  }

  /// An attribute with its carried fields, without the value.
  init(name: String, carried: Onnx_AttributeProto?) {
    self.init()
    self.name = name
    guard let carried else { return }
    if carried.hasDocString { docString = carried.docString }
    unknownFields = carried.unknownFields
  }
}

extension Onnx_SparseTensorProto {
  /// The message without its elements and extents.
  fileprivate var withoutElements: Onnx_SparseTensorProto {
    var rest = self
    rest.dims = []
    let (values, indices) = (values.withoutElements, indices.withoutElements)
    if values == Onnx_TensorProto() { rest.clearValues() } else { rest.values = values }
    if indices == Onnx_TensorProto() { rest.clearIndices() } else { rest.indices = indices }
    return rest
  }
}
