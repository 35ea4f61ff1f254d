import Tensors
import TestSupport
import Testing

@Suite struct TensorTests {
  @Test func copiesShareUntilWritten() {
    let original = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    var copy = original
    copy.withUnsafeMutableElements(as: Float.self) { $0[0] = 9 }
    #expect(original.elements(as: Float.self) == [1, 2, 3, 4])
    #expect(copy.elements(as: Float.self) == [9, 2, 3, 4])
  }

  @Test func equalityIsOfTypeAndBits() {
    #expect(Tensor([1, 2] as [Float]) != Tensor([1, 2] as [Float], shape: [2, 1]))
    #expect(Tensor([Float.nan]) == Tensor([Float.nan]))
    #expect(Tensor([Float(0)]) != Tensor([-Float(0)]))
    #expect(Tensor([1] as [Int32]) != Tensor([1] as [UInt32]))
  }

  @Test func memoryIsAligned() {
    for count in [0, 1, 7, 1000] {
      let tensor = Tensor(zeros: TensorType(.float32, [count]))
      #expect(Int(bitPattern: tensor.view.base) % 64 == 0)
      #expect(tensor.elements(as: Float.self).allSatisfy { $0 == 0 })
    }
  }

  @Test func fourBitElementsUnpackLowNibbleFirst() {
    let bytes: [UInt8] = [0x8f, 0x07]
    let signed = bytes.withUnsafeBytes { Tensor(bytes: $0, type: TensorType(.int4, [3])) }
    #expect(signed.integers == [-1, -8, 7])
    let unsigned = bytes.withUnsafeBytes { Tensor(bytes: $0, type: TensorType(.uint4, [3])) }
    #expect(unsigned.integers == [15, 8, 7])
  }

  @Test func numbersConvertToDouble() {
    #expect(Tensor([Float16(0.5), -2]).doubles == [0.5, -2])
    #expect(Tensor([BFloat16(1.5)]).doubles == [1.5])
    #expect(Tensor([true, false]).doubles == [1, 0])
    #expect(Tensor([Int64(-3)]).doubles == [-3])
  }

  @Test(arguments: [Float(1), 1.00390625, 1.005859375, -3.1415927, .infinity, 1e-30])
  func bfloat16RoundsToTheNearestEven(value: Float) {
    let rounded = BFloat16(value).float
    let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
    let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
    if value.isInfinite {
      #expect(rounded == value)
      return
    }
    #expect(rounded == below || rounded == above)
    #expect(abs(rounded - value) <= min(abs(below - value), abs(above - value)))
  }

  @Test func bfloat16TiesGoToEven() {
    #expect(BFloat16(Float(bitPattern: 0x3f80_8000)).bits == 0x3f80)
    #expect(BFloat16(Float(bitPattern: 0x3f81_8000)).bits == 0x3f82)
    #expect(BFloat16(.nan).float.isNaN)
  }

  @Test func stridesAreRowMajor() {
    #expect([2, 3, 4].contiguousStrides == [12, 4, 1])
    #expect([Int]().contiguousStrides.isEmpty)
    #expect([2, 0, 4].product == 0)
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .string })
  func bytesAndShapeSurviveCopies(type: ElementType) {
    var random = SplitMix64(seed: UInt64(type.bitWidth))
    for shape in [[], [0, 3], [1], [5], [2, 3, 7]] {
      let kind = TensorType(type, shape)
      let bytes = (0..<kind.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      let tensor = bytes.withUnsafeBytes { Tensor(bytes: $0, type: kind) }
      #expect(tensor.withUnsafeBytes { Array($0) } == bytes)
      #expect(Tensor(copying: tensor.view) == tensor)
      let flat = tensor.reshaped(to: [kind.count])
      #expect(flat.withUnsafeBytes { Array($0) } == bytes)
      var own = tensor
      own.makeUnique()
      #expect(own == tensor && (bytes.isEmpty || own.view.base != tensor.view.base))
    }
  }
}

@Suite struct HalfConversionTests {
  @Test func everyFloat16WidensExactlyAndComesBack() {
    let bits = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: bits.count)
    HalfConversion.widen(bits, of: .float16, to: &floats, count: bits.count)
    var back = [UInt16](repeating: 0, count: bits.count)
    HalfConversion.narrow(floats, to: &back, of: .float16, count: bits.count)
    for (index, pattern) in bits.enumerated() {
      let half = Float16(bitPattern: pattern)
      if half.isNaN {
        #expect(floats[index].isNaN && Float16(bitPattern: back[index]).isNaN)
      } else {
        #expect(floats[index].bitPattern == Float(half).bitPattern)
        #expect(back[index] == pattern)
      }
    }
  }

  @Test func float32RoundsToTheNearestFloat16() {
    var random = SplitMix64(seed: 5)
    let edges: [Float] = [
      65504, 65519.9, 65520, 1e9, -.infinity, 0x1p-24, 0x1p-25, 0x1.8p-25, 6.1e-5,
    ]
    let values =
      edges
      + (0..<200_000).map { _ in
        Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      } + (0..<100_000).map { _ in Float.random(in: -1e-4...1e-4, using: &random) }
    var found = [UInt16](repeating: 0, count: values.count)
    HalfConversion.narrow(values, to: &found, of: .float16, count: values.count)
    for (value, bits) in zip(values, found) where !value.isNaN {
      #expect(bits == Float16(value).bitPattern, "\(value)")
    }
  }
}
