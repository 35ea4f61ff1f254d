extension TensorView {
  /// Writes random numbers: floats in 0…1, bytes from 0 to 255, and zeros for other element types.
  public func fillRandomly(using random: inout CounterRandom) {
    func fill<Element: TensorElement>(_ make: (inout CounterRandom) -> Element) {
      let elements = elements(as: Element.self)
      for index in elements.indices { elements[index] = make(&random) }
    }
    switch elementType {
    case .float32: fill { Float.random(in: 0..<1, using: &$0) }
    case .float64: fill { Double.random(in: 0..<1, using: &$0) }
    case .float16: fill { Float16(Float.random(in: 0..<1, using: &$0)) }
    case .bfloat16: fill { BFloat16(Float.random(in: 0..<1, using: &$0)) }
    case .uint8: fill { UInt8.random(in: 0...255, using: &$0) }
    default: bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }
}
