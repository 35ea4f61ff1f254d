import Tensors
import TestSupport
import Testing

/// Sizes that never trap: against arithmetic of 128 bits.
@Suite struct CheckedIntegerTests {
  private static func number(_ random: inout SplitMix64) -> Int {
    let edges: [Int] = [0, 1, -1, .max, .min, .max - 1, .min + 1, 1 << 31, 1 << 32, 1 << 62]
    return Bool.random(using: &random)
      ? edges[Int.random(in: edges.indices, using: &random)]
      : Int(bitPattern: UInt(truncatingIfNeeded: random.next()))
        >> Int.random(in: 0...63, using: &random)
  }

  @Test func aStepIsExactOrUnknown() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<20_000 {
      let (a, b) = (Self.number(&random), Self.number(&random))
      let (x, y) = (CheckedInteger(a), CheckedInteger(b))
      let (wideA, wideB) = (Int128(a), Int128(b))
      #expect((x + y).value == Int(exactly: wideA + wideB))
      #expect((x - y).value == Int(exactly: wideA - wideB))
      #expect((x * y).value == Int(exactly: wideA * wideB))
      #expect((x / y).value == (b == 0 ? nil : Int(exactly: wideA / wideB)))
    }
  }

  @Test func whatIsUnknownStaysSo() {
    let lost = CheckedInteger(.max) + 1
    #expect((lost - 1).value == nil)
    #expect((lost * 0).value == nil)
    #expect((5 / lost).value == nil)
    #expect(lost.clamped == .max)
  }

  @Test func realsAreCutOrUnknown() {
    for (real, whole) in [(2.9, 2), (-2.9, -2), (0, 0), (9.2e18, 9_200_000_000_000_000_000)] {
      #expect(CheckedInteger(real).value == whole)
    }
    for real in [Double.nan, .infinity, -.infinity, 1e19, -1e300] {
      #expect(CheckedInteger(real).value == nil)
    }
  }

  @Test func aCheckedTypeHasNoProductThatOverflows() {
    var random = SplitMix64(seed: 2)
    var (sound, refused) = (0, 0)
    for _ in 0..<20_000 {
      let shape = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Bool.random(using: &random)
          ? Int.random(in: 0...64, using: &random) : Self.number(&random)
      }
      let element = ElementType.allCases.randomElement(using: &random) ?? .float32
      let bits = shape.reduce(Double(max(element.bitWidth, 1))) { $0 * Double(max($1, 1)) }
      do {
        let type = try TensorType(checking: element, shape)
        sound += 1
        #expect(shape.allSatisfy { $0 >= 0 })
        #expect(bits <= 8 * Double(TensorType.largestByteCount) + 8)
        #expect(type.byteCount <= TensorType.largestByteCount)
        // Whatever part of the extents a rule multiplies, it traps nowhere.
        for first in shape.indices { #expect(shape[first...].product >= 0) }
        #expect(shape.contiguousStrides.allSatisfy { $0 >= 0 })
      } catch {
        refused += 1
        #expect(shape.contains { $0 < 0 } || bits > 8 * Double(TensorType.largestByteCount))
        #expect(!"\(error)".isEmpty)
      }
    }
    #expect(sound > 1000 && refused > 1000)
  }
}

/// Memory is asked for before it is taken.
@Suite struct MachineMemoryTests {
  @Test func whatNoMachineHasIsRefusedWithBothNumbers() throws {
    let error = try #require(throws: MemoryShortage.self) {
      try MachineMemory.require(1 << 50, for: "the scenes")
    }
    #expect("\(error)".hasPrefix("the scenes would take 1125899.9 GB of memory; "))
    #expect(error.limit.bytes < 1 << 50)
    #expect(throws: MemoryShortage.self) { try MachineMemory.require(nil, for: "they") }
  }

  @Test func whatIsThereIsGranted() throws {
    let free = MachineMemory.free()
    #expect(free.bytes > 64 << 20, "\(free)")
    try MachineMemory.require(1 << 20, for: "a little")
    try MachineMemory.require(free.bytes / 2, for: "half of it")
  }
}
