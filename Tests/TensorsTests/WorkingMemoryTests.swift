import Tensors
import Testing

@Suite struct WorkingMemoryTests {
  @Test(arguments: [0, 1, 64, 100_000]) func isAlignedAndClear(byteCount: Int) {
    // Memory that was used before is most likely given out again.
    for _ in 0..<4 {
      let memory = WorkingMemory(byteCount: byteCount)
      let bytes = UnsafeMutableRawBufferPointer(start: memory.base, count: max(byteCount, 64))
      #expect(Int(bitPattern: memory.base) % 64 == 0)
      #expect(bytes.allSatisfy { $0 == 0 })
      bytes.initializeMemory(as: UInt8.self, repeating: 1)
      withExtendedLifetime(memory) {}
    }
  }
}
