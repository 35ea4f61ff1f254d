import GraphIR
import Tensors
import TestSupport

/// Runs kernels between pages that nobody may touch.
struct GuardedRun {
  /// The edge of each memory that lies at such a page.
  var edge: GuardedMemory.Edge
  /// The threads to work with.
  var pool: ThreadPool

  /// Bytes beyond an input's end that kernels may read, as sessions have them.
  private static let slack = 256

  /// The outputs of a kernel; `nil` when it wrote beyond them or its working memory.
  func outputs(
    of kernel: Kernel, _ inputs: [Tensor?], types: [TensorType]
  ) throws -> [Tensor]? {
    let outputs = types.map {
      GuardedMemory(byteCount: $0.byteCount, alignment: 8, edge: edge)
    }
    let sources = inputs.map { $0.map(memory) }
    let scratch = GuardedMemory.scratch(kernel.scratchBytes, edge: edge)
    let views = zip(sources, inputs).map { source, tensor -> TensorView? in
      guard let source, let tensor else { return nil }
      return TensorView(type: tensor.type, base: source.base)
    }
    try withExtendedLifetime(sources) {
      try kernel.run(
        OperatorCall(
          inputs: views, outputs: zip(outputs, types).map { TensorView(type: $1, base: $0.base) },
          scratch: scratch.base, pool: pool))
    }
    guard scratch.isIntact, outputs.allSatisfy(\.isIntact) else { return nil }
    return zip(outputs, types).map { Tensor(copying: TensorView(type: $1, base: $0.base)) }
  }

  private func memory(_ tensor: Tensor) -> GuardedMemory {
    let memory = GuardedMemory(
      byteCount: tensor.byteCount, slack: Self.slack, alignment: 8, edge: edge)
    tensor.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: memory.base, count: tensor.byteCount)
        .copyMemory(from: $0)
    }
    return memory
  }
}
