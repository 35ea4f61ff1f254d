import Synchronization
import Tensors

/// Counts the images for which a network's outputs hold NaN.
///
/// No box can be made from NaN. Without a remark such images would look like images in which
/// nothing was found.
public final class AnswerCheck: Sendable {
  private struct Count {
    var images = 0
    var broken = 0
    var output = ""
  }

  private let count = Mutex(Count())

  /// Checks the outputs for an image.
  func note(_ outputs: [String: Tensor]) {
    let broken = outputs.filter { $0.value.holdsNaN }.keys.min()
    count.withLock { count in
      count.images += 1
      guard let broken else { return }
      count.broken += 1
      if count.output.isEmpty { count.output = broken }
    }
  }

  /// A sentence for the user; `nil` when all was in order.
  public var remark: String? {
    count.withLock { count in
      count.broken == 0
        ? nil
        : "output '\(count.output)' holds NaN for \(count.broken) of \(count.images) images: boxes "
          + "with such numbers are passed over"
    }
  }
}

extension Tensor {
  /// Whether an element of a float32 tensor is NaN.
  fileprivate var holdsNaN: Bool {
    guard elementType == .float32 else { return false }
    return withUnsafeBytes { bytes in
      var found = 0
      for value in bytes.bindMemory(to: Float.self) { found &+= value.isNaN ? 1 : 0 }
      return found > 0
    }
  }
}
