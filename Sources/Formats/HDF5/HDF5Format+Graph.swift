import Foundation
import GraphIR
import Tensors

extension HDF5Format {
  private static let structure = "structure"
  private static let initializers = "initializers"

  /// The HDF5 data of a graph, without the user block.
  static func image(of graph: Graph) throws -> Data {
    let file = try HDF5File(userBlock: userBlock)
    try file.setAttribute("format", of: "/", to: "compress graph")
    try file.setAttribute("version", of: "/", to: "1")
    var writer = ONNXWriter(initializerData: .elsewhere)
    try file.write(Tensor(writer.model(graph).bytes), to: structure)
    try file.makeGroup(initializers)
    for (name, initializer) in graph.initializers where initializer.tensor.elementType != .string {
      let path = "\(initializers)/\(datasetName(name))"
      try write(initializer.tensor, to: path, in: file)
      try file.setAttribute("name", of: path, to: name)
      try file.setAttribute("elementType", of: path, to: initializer.tensor.elementType.rawValue)
    }
    return try file.image()
  }

  /// The graph in HDF5 data.
  static func readGraph(_ file: HDF5Reader) throws -> Graph {
    let dataset = try file.dataset([structure])
    guard dataset.shape.count == 1 else {
      throw PlacedError(structure, "has the shape \(dataset.shape)")
    }
    let message = try dataset.read(as: TensorType(.uint8, dataset.shape), budget: file.budget)
    let data = message.withUnsafeBytes { Data($0) }
    var reader = ONNXReader(source: TensorSource(budget: file.budget))
    reader.initializerData = { try read(initializer: $0, as: $1, from: file) }
    let graph = try reader.model(try ONNXFormat.model(data))
    try graph.verify()
    return graph
  }

  /// Writes a dataset, or a group of `mask` and `values` when enough elements are zero.
  private static func write(_ tensor: Tensor, to path: String, in file: HDF5File) throws {
    guard let compact = BitmaskTensor(compacting: tensor) else {
      return try file.write(tensor, to: path)
    }
    try file.makeGroup(path)
    try file.write(compact.mask, to: "\(path)/mask")
    try file.write(compact.values, to: "\(path)/values")
    try file.write(Tensor(tensor.shape.map { Int64($0) }), to: "\(path)/shape")
  }

  private static func read(
    initializer name: String, as type: TensorType, from file: HDF5Reader
  ) throws -> Tensor {
    let path = [initializers, datasetName(name)]
    guard case .group = try file.object(path) else {
      return try file.dataset(path).read(as: type, budget: file.budget)
    }
    let maskType = TensorType(.uint8, [(type.count + 7) / 8])
    let mask = try file.dataset(path + ["mask"]).read(as: maskType, budget: file.budget)
    let dataset = try file.dataset(path + ["values"])
    let values = try dataset.read(
      as: TensorType(type.elementType, [dataset.length]),
      budget: file.budget)
    try file.budget.spend(type.byteCount, place: path.joined(separator: "/"))
    guard let tensor = BitmaskTensor(mask: mask, values: values).dense(type: type) else {
      throw PlacedError(
        path.joined(separator: "/"), "has a mask that does not fit its values or its shape")
    }
    return tensor
  }
}
