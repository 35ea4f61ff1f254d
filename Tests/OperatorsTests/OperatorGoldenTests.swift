import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Compares every operator with ONNX Runtime; cases stand in `Tools/goldens/operator_cases_*.py`.
struct OperatorGoldenTests {
  static let families = ["nn", "data", "opsets", "products"]

  static var goldens: [OperatorGolden] {
    families.flatMap { (try? OperatorGolden.load($0)) ?? [] }
  }

  @Test(arguments: families) func goldensCanBeRead(family: String) throws {
    _ = try OperatorGolden.load(family)
  }

  @Test(arguments: goldens) func outputsAgreeWithONNXRuntime(golden: OperatorGolden) throws {
    let op = try OperatorRegistry.standard.makeOperator(for: golden.node, in: golden.graph)
    let outputs = try op.evaluate(golden.inputs, pool: ThreadPool(threads: 1))
    try #require(outputs.count >= golden.outputs.count)
    for (index, pair) in zip(outputs, golden.outputs).enumerated() {
      let problem = OutputComparison.problem(pair.0, pair.1, tolerance: golden.tolerance)
      #expect(problem == nil, "output \(index)")
    }
  }

  /// What is inferred from types and constants alone must be what the values give.
  @Test(arguments: goldens) func inferredTypesAgreeWithOutputs(golden: OperatorGolden) throws {
    let op = try OperatorRegistry.standard.makeOperator(for: golden.node, in: golden.graph)
    let operands = golden.inputs.enumerated().map { index, tensor in
      tensor.map {
        Operand(type: $0.type, constant: golden.constants.contains(index) ? $0 : nil)
      }
    }
    guard let types = try op.inferTypes(operands) else { return }
    #expect(Array(types.prefix(golden.outputs.count)) == golden.outputs.map(\.type))
  }
}
