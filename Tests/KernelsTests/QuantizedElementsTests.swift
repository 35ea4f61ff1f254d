import Kernels
import Tensors
import TestSupport
import Testing

/// Kernels over bytes equal what their definitions say, on every instruction set.
struct QuantizedElementsTests {
  private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
  }

  @Test(arguments: InstructionSet.supported, [1, 63, 64, 200])
  func tablesLookUpEachByte(set: InstructionSet, count: Int) {
    let (x, table) = (Self.bytes(count, seed: 1), Self.bytes(256, seed: 2))
    var y = [UInt8](repeating: 0, count: count)
    QuantizedElements.lookUp(
      x, in: table, to: &y, count: count, pool: ThreadPool(threads: 1), instructionSet: set)
    #expect(y == x.map { table[Int($0)] })
  }

  @Test(
    arguments: InstructionSet.supported,
    [QuantizedCombination.Operation.add, QuantizedCombination.Operation.multiply])
  func combinationsFollowTheirFormula(
    set: InstructionSet, operation: QuantizedCombination.Operation
  ) {
    for (signed, steps) in [(false, (1, 1)), (true, (1, 1)), (false, (1, 0)), (false, (0, 1))] {
      let count = 77
      let (a, b) = (Self.bytes(count, seed: 3), Self.bytes(count, seed: 4))
      func quantity(_ scale: Float, _ zero: Int32) -> QuantizedCombination.Quantity {
        .init(.init(scale: scale, zeroPoint: signed ? zero - 128 : zero), isSigned: signed)
      }
      let (of, ob, oy) = (quantity(0.05, 100), quantity(0.02, 3), quantity(0.07, 90))
      var y = [UInt8](repeating: 0, count: count)
      QuantizedCombination(operation, of, ob, into: oy, instructionSet: set).run(
        a, step: steps.0, b, step: steps.1, to: &y, count: count)
      func whole(_ byte: UInt8) -> Int32 { signed ? Int32(Int8(bitPattern: byte)) : Int32(byte) }
      let range: ClosedRange<Int32> = signed ? -128...127 : 0...255
      let (sa, sb, sy) = (of.parameters.scale, ob.parameters.scale, oy.parameters.scale)
      for index in 0..<count {
        let u = Float(whole(a[index * steps.0]) - of.parameters.zeroPoint)
        let v = Float(whole(b[index * steps.1]) - ob.parameters.zeroPoint)
        let value: Float =
          operation == .add ? u * (sa / sy) + v * (sb / sy) : (u * v) * (sa * sb / sy)
        let expected = QuantizationParameters.rounded(
          value, plus: oy.parameters.zeroPoint, in: range)
        #expect(whole(y[index]) == expected, "\(index)")
      }
    }
  }

  @Test(arguments: InstructionSet.supported, [false, true])
  func poolsTakeTheLargestByte(set: InstructionSet, isSigned: Bool) {
    let rows = WindowPool.Axis(input: 9, output: 5, kernel: 3, stride: 2, dilation: 1, pad: 1)
    let columns = WindowPool.Axis(input: 70, output: 70, kernel: 5, stride: 1, dilation: 1, pad: 2)
    for (rows, columns) in [(rows, columns), (columns, rows)] {
      let x = Self.bytes(2 * rows.input * columns.input, seed: 5)
      func whole(_ byte: UInt8) -> Int { isSigned ? Int(Int8(bitPattern: byte)) : Int(byte) }
      let pool = BytePool(rows: rows, columns: columns, isSigned: isSigned, instructionSet: set)
      var y = [UInt8](repeating: 0, count: 2 * rows.output * columns.output)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: pool.scratchBytes(threads: 1), alignment: 64)
      defer { scratch.deallocate() }
      pool.run(planes: 2, input: x, output: &y, scratch: scratch, pool: ThreadPool(threads: 1))
      var place = 0
      for plane in 0..<2 {
        for row in 0..<rows.output {
          for column in 0..<columns.output {
            var largest = Int.min
            for i in 0..<rows.kernel {
              for j in 0..<columns.kernel {
                let (r, c) = (
                  row * rows.stride + i - rows.pad, column * columns.stride + j - columns.pad
                )
                guard (0..<rows.input).contains(r), (0..<columns.input).contains(c) else {
                  continue
                }
                largest = max(
                  largest, whole(x[(plane * rows.input + r) * columns.input + c]))
              }
            }
            #expect(whole(y[place]) == largest)
            place += 1
          }
        }
      }
    }
  }
}
