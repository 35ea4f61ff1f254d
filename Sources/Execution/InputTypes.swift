import GraphIR
import Tensors

extension Graph {
  /// The concrete types of the inputs a caller must feed.
  ///
  /// A fixed declaration counts. Otherwise `shapes` decides. An unknown first axis of an input of
  /// rank 3 or more is taken for the batch and becomes 1. So does a first axis declared as 0 where
  /// images are read (rank 4 or more), because some exporters write unknown batches so.
  ///
  /// - Throws: ``ExecutionError`` when an extent stays unknown or contradicts the declaration, or
  ///   when the input would be larger than any value may be.
  public func concreteInputTypes(_ shapes: [String: [Int]]) throws -> [(String, TensorType)] {
    let required = requiredInputs
    for name in shapes.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
      throw ExecutionError.unknownInput(name: name, known: required.map(\.name))
    }
    return try required.map { ($0.name, try concreteType(of: $0, given: shapes[$0.name])) }
  }

  private func concreteType(of input: ValueInfo, given: [Int]?) throws -> TensorType {
    guard case .tensor(let element, let declared) = input.type else {
      throw ExecutionError.dynamicInput(name: input.name, declared: "\(input.type)")
    }
    guard element != .string else {
      throw ExecutionError.unsupportedInput(name: input.name, declared: "\(input.type)")
    }
    if let given {
      let fits =
        declared == nil
        || declared?.count == given.count
          && zip(declared ?? [], given).allSatisfy { $0.extent == nil || $0.extent == $1 }
      guard fits else {
        throw ExecutionError.inputShape(
          name: input.name, declared: "\(input.type)", given: given)
      }
      return try checked(element, given, input)
    }
    guard let declared else {
      throw ExecutionError.dynamicInput(name: input.name, declared: "\(input.type)")
    }
    let shape = try declared.enumerated().map { axis, dimension in
      let isUnknownBatch = axis == 0 && declared.count >= 4 && dimension.extent == 0
      if let extent = dimension.extent, extent >= 0, !isUnknownBatch { return extent }
      if axis == 0, declared.count >= 3 { return 1 }
      throw ExecutionError.dynamicInput(name: input.name, declared: "\(input.type)")
    }
    return try checked(element, shape, input)
  }

  private func checked(
    _ element: ElementType, _ shape: [Int], _ input: ValueInfo
  ) throws -> TensorType {
    do {
      return try TensorType(checking: element, shape)
    } catch {
      throw ExecutionError.inputSize(name: input.name, reason: "\(error)")
    }
  }
}
