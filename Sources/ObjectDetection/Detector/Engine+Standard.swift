import Execution
import Operators

extension Engine {
  /// An engine with all operators and the rewrites of inference.
  public init(
    threads: Int = 1, inputShapes: [String: [Int]] = [:],
    progress: any ProgressObserver = SilentProgress()
  ) {
    self.init(
      registry: .standard, threads: threads, inputShapes: inputShapes,
      rewrites: StandardRewrites.inference, progress: progress)
  }
}
