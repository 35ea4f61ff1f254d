import CHDF5
import Foundation
import GraphIR
import Tensors

extension HDF5Format {
  private static let structure = "structure"
  private static let initializers = "initializers"

  static func writeGraph(_ graph: Graph, to path: String) throws {
    let file = try HDF5File(creating: path, userBlock: userBlock)
    try file.setAttribute("format", of: "/", to: "compress graph")
    try file.setAttribute("version", of: "/", to: "1")
    var writer = ONNXWriter(options: .init())
    writer.omitsInitializerData = true
    let message = writer.model(graph).bytes
    try file.write(Tensor(message), to: structure)
    try file.makeGroup(initializers)
    for (name, initializer) in graph.initializers where initializer.tensor.elementType != .string {
      let path = "\(initializers)/\(datasetName(name))"
      try write(initializer.tensor, to: path, in: file)
      try file.setAttribute("name", of: path, to: name)
      try file.setAttribute("elementType", of: path, to: initializer.tensor.elementType.rawValue)
    }
  }

  static func readGraph(_ file: HDF5File, file name: String) throws -> Graph {
    let shape = try file.shape(of: structure)
    guard shape.count == 1, shape[0] < 1 << 31 else {
      throw PlacedError(structure, "has the shape \(shape)")
    }
    let message = try file.read(structure, as: TensorType(.uint8, shape))
    guard let proto = try? Onnx_ModelProto(serializedBytes: message.elements(as: UInt8.self)) else {
      throw PlacedError(structure, "is not an ONNX model message")
    }
    var reader = ONNXReader(external: ExternalData(folder: nil))
    reader.initializerData = { name, type in
      try read("\(initializers)/\(datasetName(name))", as: type, from: file)
    }
    let graph = try reader.model(proto)
    do { try graph.verify() } catch {
      throw FormatError(.badData, file: name, reason: "\(error)")
    }
    return graph
  }

  /// A dataset, or a group of `mask` and `values` when most elements are zero.
  private static func write(_ tensor: Tensor, to path: String, in file: HDF5File) throws {
    guard let compact = BitmaskTensor(compacting: tensor) else {
      return try file.write(tensor, to: path)
    }
    try file.makeGroup(path)
    try file.write(compact.mask, to: "\(path)/mask")
    try file.write(compact.values, to: "\(path)/values")
    try file.write(Tensor(tensor.shape.map { Int64($0) }), to: "\(path)/shape")
  }

  private static func read(_ path: String, as type: TensorType, from file: HDF5File) throws
    -> Tensor
  {
    guard file.exists(path) else { throw PlacedError(path, "is missing") }
    guard file.isGroup(path) else { return try file.read(path, as: type) }
    let mask = try file.read("\(path)/mask", as: TensorType(.uint8, [(type.count + 7) / 8]))
    let values = try file.shape(of: "\(path)/values")
    guard values.count == 1, values[0] <= type.count else {
      throw PlacedError(path, "holds more values than the tensor has elements")
    }
    let compact = BitmaskTensor(
      mask: mask,
      values: try file.read("\(path)/values", as: TensorType(type.elementType, values)))
    guard let tensor = compact.dense(type: type) else {
      throw PlacedError(path, "has a mask that does not fit its values")
    }
    return tensor
  }
}

/// A tensor as one bit an element, set where the element is nonzero, and the nonzero elements.
struct BitmaskTensor {
  /// `⌈count / 8⌉` bytes, the lowest bit first.
  var mask: Tensor
  /// The nonzero elements in row-major order.
  var values: Tensor

  init(mask: Tensor, values: Tensor) {
    self.mask = mask
    self.values = values
  }

  /// The compact form, or `nil` when a twentieth of the bytes would not be saved.
  init?(compacting tensor: Tensor) {
    let width = tensor.elementType.bitWidth / 8
    guard width >= 1, tensor.count > 256, tensor.elementType != .bool else { return nil }
    var bits = [UInt8](repeating: 0, count: (tensor.count + 7) / 8)
    var bytes: [UInt8] = []
    tensor.withUnsafeBytes { source in
      for index in 0..<tensor.count {
        let element = source[index * width..<(index + 1) * width]
        guard element.contains(where: { $0 != 0 }) else { continue }
        bits[index >> 3] |= 1 << (index & 7)
        bytes.append(contentsOf: element)
      }
    }
    guard (bits.count + bytes.count) * 20 < tensor.byteCount * 19 else { return nil }
    mask = Tensor(bits)
    let type = TensorType(tensor.elementType, [bytes.count / width])
    values = bytes.withUnsafeBytes { Tensor(bytes: $0, type: type) }
  }

  /// The dense tensor, or `nil` when mask and values do not fit.
  func dense(type: TensorType) -> Tensor? {
    let width = type.elementType.bitWidth / 8
    let bits = mask.elements(as: UInt8.self)
    guard bits.reduce(0, { $0 + $1.nonzeroBitCount }) == values.count else { return nil }
    let result = Tensor(zeros: type)
    var next = 0
    for index in 0..<type.count where bits[index >> 3] & (1 << (index & 7)) != 0 {
      result.view.base.advanced(by: index * width)
        .copyMemory(from: values.view.base.advanced(by: next * width), byteCount: width)
      next += 1
    }
    return next == values.count ? result : nil
  }
}
