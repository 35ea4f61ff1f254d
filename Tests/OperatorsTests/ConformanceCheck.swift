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

  /// Prepares without knowing any value and runs on the values, with as many outputs as the node
  /// has.
  private func planned(
    _ op: any Operator, _ sample: Nonsense.Case, _ operands: [Operand?], _ types: [TensorType],
    _ expected: [Tensor]
  ) throws -> String? {
    let wanted = Array(types.prefix(max(sample.node.outputs.count, 1)))
    let kernel = try op.prepareKernel(
      PreparationSite(inputs: operands, outputs: types, threadCount: 1))
    let edge: GuardedMemory.Edge = types.count % 2 == 0 ? .start : .end
    guard
      let computed = try GuardedRun(edge: edge, pool: pool)
        .outputs(of: kernel, sample.inputs, types: wanted)
    else { return "wrote beyond its outputs or working memory" }
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
