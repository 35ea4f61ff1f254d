import GraphIR
import Operators
import Tensors
import TestSupport

/// Does with a node what sessions do, and tells what breaks the operators' promises.
struct ConformanceCheck {
  /// Outputs larger than this are inferred but not computed.
  private static let largestByteCount = 1 << 22
  private let pool = ThreadPool(threads: 1)

  /// What is wrong, or `nil`; an error of the operators' own types is a right answer.
  func problem(_ sample: Nonsense.Case) -> String? {
    do {
      let op = try OperatorRegistry.standard.makeOperator(for: sample.node, in: sample.graph)
      let known = sample.inputs.map { $0.map { Operand(constant: $0) } }
      let unknown = sample.inputs.map { $0.map { Operand(type: $0.type) } }
      let early = Result { try op.inferTypes(unknown) }
      let late = try op.inferTypes(known)
      if case .success(let types?) = early, let late, types != late {
        return "types \(types) without the values, \(late) with them"
      }
      if let late, late.contains(where: { $0.byteCount > Self.largestByteCount }) { return nil }
      let outputs = try op.evaluate(sample.inputs, pool: pool)
      if let late, outputs.map(\.type) != late {
        return "inferred \(late), computed \(outputs.map(\.type))"
      }
      let holdsStrings = outputs.contains { $0.elementType == .string }
      if case .success(let types?) = early, !holdsStrings {
        return try planned(op, sample, unknown, types, outputs)
      }
      return nil
    } catch let error as NodeError {
      return untyped(error.underlying)
    } catch {
      return untyped(error)
    }
  }

  /// Prepares without knowing any value and runs on the values, with as many outputs as the node has.
  private func planned(
    _ op: any Operator, _ sample: Nonsense.Case, _ operands: [Operand?], _ types: [TensorType],
    _ expected: [Tensor]
  ) throws -> String? {
    let wanted = Array(types.prefix(max(sample.node.outputs.count, 1)))
    let kernel = try op.prepareKernel(
      PreparationSite(inputs: operands, outputs: types, threadCount: 1))
    let edge: GuardedMemory.Edge = types.count % 2 == 0 ? .start : .end
    let outputs = wanted.map { GuardedMemory($0, edge: edge) }
    let inputs = sample.inputs.map { $0.map { GuardedMemory($0, edge: edge) } }
    let scratch = GuardedMemory.scratch(kernel.scratchBytes, edge: edge)
    try withExtendedLifetime(inputs) {
      try kernel.run(
        OperatorCall(
          inputs: zip(inputs, sample.inputs).map { memory, tensor in
            zip(memory, tensor).map { TensorView(type: $1.type, base: $0.base) }
          },
          outputs: zip(outputs, wanted).map { TensorView(type: $1, base: $0.base) },
          scratch: scratch.base, pool: pool))
    }
    guard scratch.isIntact, outputs.allSatisfy(\.isIntact) else {
      return "wrote beyond its outputs or working memory"
    }
    let computed = zip(outputs, wanted).map {
      Tensor(copying: TensorView(type: $1, base: $0.base))
    }
    for (index, pair) in zip(computed, expected).enumerated() where pair.0 != pair.1 {
      guard ElementType.calculated.contains(pair.0.elementType) else {
        return "output \(index) differs when values are not known"
      }
      if let problem = OutputComparison.problem(pair.0, pair.1, tolerance: nil) {
        return "output \(index) without knowing values: \(problem)"
      }
    }
    return nil
  }

  private func untyped(_ error: any Error) -> String? {
    switch error {
    case is OperatorError, is AttributeError, is UnknownOperator, is SizeError: nil
    default: "threw \(type(of: error)): \(error)"
    }
  }
}

extension ElementType {
  /// The types whose elements can be read as numbers.
  fileprivate static let calculated = allCases.filter {
    $0 == .bool || $0.isInteger || [.float16, .bfloat16, .float32, .float64].contains($0)
  }
}

extension GuardedMemory {
  /// Bytes beyond a value's end that kernels may read.
  private static let slack = 256

  /// A copy of a tensor, with the slack that sessions give.
  fileprivate convenience init(_ tensor: Tensor, edge: Edge) {
    self.init(byteCount: tensor.byteCount, slack: Self.slack, alignment: 8, edge: edge)
    tensor.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: base, count: tensor.byteCount).copyMemory(from: $0)
    }
  }

  /// Room for a value, none beyond.
  fileprivate convenience init(_ type: TensorType, edge: Edge) {
    self.init(byteCount: type.byteCount, alignment: 8, edge: edge)
  }
}

/// Both, where there are both.
private func zip<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
  guard let a, let b else { return nil }
  return (a, b)
}
