import Synchronization

/// Values of a kind that a program adds to those of the library: criteria, observers, head
/// families, losses.
public final class Additions<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  /// Nothing added yet.
  public init() {}

  /// What was added, in that order.
  public var all: [Value] { values.withLock { $0 } }

  /// Adds a value; it is found by its name behind those of the library.
  public func add(_ value: Value) { values.withLock { $0.append(value) } }
}
