/// An array with one element for each image, which one thread writes.
final class Slots<Element>: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element>
  private let count: Int

  init(_ count: Int, _ value: Element) {
    self.count = count
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: value, count: count)
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }
}
