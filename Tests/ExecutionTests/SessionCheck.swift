import Execution
import GraphIR
import Operators
import Tensors
import TestSupport

/// Holds sessions of every kind against the reference interpreter and against one another.
struct SessionCheck {
  let graph: Graph
  let feed: [String: Tensor]

  /// What differs, or `nil`.
  ///
  /// Sharing memory and the number of threads must not change a bit; rewrites may round otherwise.
  func problem() throws -> String? {
    let expected = try ReferenceInterpreter(graph, registry: .standard).run(feed)
    for (passes, title) in [([], "plain"), (StandardRewrites.inference, "rewritten")] {
      var first: [String: Tensor]?
      for sharesMemory in [false, true] {
        for threads in 1...3 {
          let session = try Session(
            graph, registry: .standard,
            options: SessionOptions(
              threads: threads, passes: passes, sharesMemory: sharesMemory))
          let place = "\(title), threads \(threads), sharing \(sharesMemory)"
          let outputs = try session.run(feed)
          if try session.run(feed) != outputs { return "\(place): a second run differs" }
          if let first {
            for name in first.keys.sorted() where outputs[name] != first[name] {
              return "\(place): \(name) differs from one thread without sharing"
            }
          } else {
            first = outputs
            if let problem = compare(outputs, expected) { return "\(place): \(problem)" }
          }
        }
      }
    }
    return nil
  }

  private func compare(_ found: [String: Tensor], _ expected: [String: Tensor]) -> String? {
    for name in Set(graph.outputs.map(\.name)).sorted() {
      guard let a = found[name], let b = expected[name] else { return "\(name) is missing" }
      guard a.type == b.type else { return "\(name) is \(a.type) instead of \(b.type)" }
      let error = normalizedMaxError(a.doubles, b.doubles)
      if error > Tolerance.fastMath.bound { return "\(name) is off by \(error)" }
    }
    return nil
  }
}
