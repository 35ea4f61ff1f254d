import Tensors

extension Session {
  /// Writes fixed random numbers in 0…1 into the float inputs, zeros into the others.
  public func fillInputs(seed: UInt64 = 0) {
    var random = CounterRandom(seed: seed)
    for (name, type) in inputs {
      guard let view = input(name) else { continue }
      if type.elementType == .float32 {
        for index in view.elements(as: Float.self).indices {
          view.elements(as: Float.self)[index] = Float.random(in: 0..<1, using: &random)
        }
      } else {
        view.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      }
    }
  }
}
