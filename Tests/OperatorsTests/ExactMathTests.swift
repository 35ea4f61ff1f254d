import Foundation
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Shifts, remainders and float8 against what ONNX says of them, which ONNX Runtime does not have
/// in full.
struct ExactMathTests {
  private func run(
    _ opType: String, _ inputs: [Tensor?], _ attributes: Attributes = [:], opset: Int = 28
  ) throws -> [Tensor] {
    let node = Node(
      opType, inputs: inputs.indices.map { inputs[$0] == nil ? "" : "x\($0)" }, outputs: ["y"],
      attributes: attributes)
    let op = try OperatorRegistry.standard.makeOperator(
      for: node, in: Nonsense.Case(node: node, opset: opset, inputs: inputs).graph)
    return try op.evaluate(inputs, pool: ThreadPool(threads: 1))
  }

  // MARK: Shifts

  /// A shift done one bit after another.
  private func shifted<Number: FixedWidthInteger>(_ a: Number, _ b: Number, left: Bool) -> Number {
    var result = a
    let places = b < 0 || b > 64 ? 64 : Int(b)
    for _ in 0..<places {
      if left {
        result = result &+ result
      } else {
        result = (result - (result & 1)) / 2
      }
    }
    return result
  }

  private func checkShifts<Number: FixedWidthInteger & TensorElement>(_: Number.Type) throws {
    var random = SplitMix64(seed: UInt64(Number.bitWidth))
    let a =
      [.min, .max, 0, 1] + (0..<60).map { _ in Number.random(in: .min ... .max, using: &random) }
    let places: [Number] = a.indices.map { index in
      Number(truncatingIfNeeded: [0, 1, 3, 7, 8, 15, 31, 63, 64, 90, -1, -8][index % 12])
    }
    for (direction, left) in [("LEFT", true), ("RIGHT", false)] {
      let y = try run(
        "BitShift", [Tensor(a), Tensor(places)], ["direction": .string(direction)])[0]
      #expect(y.elements(as: Number.self) == zip(a, places).map { shifted($0, $1, left: left) })
    }
  }

  @Test func shiftsMoveBits() throws {
    try checkShifts(Int8.self)
    try checkShifts(Int16.self)
    try checkShifts(Int32.self)
    try checkShifts(Int64.self)
    try checkShifts(UInt8.self)
    try checkShifts(UInt16.self)
    try checkShifts(UInt32.self)
    try checkShifts(UInt64.self)
  }

  // MARK: Remainders

  @Test func remaindersOfRealsHaveTheDivisorsSign() throws {
    let a = [-4.3, 7.2, 5, 4.3, -7.2, 8, 0, -0.0, 3, -3, 1, .infinity, .nan, 1, 1, -1]
    let b = [2.1, -3.4, 8, -2.1, 3.4, 5, -2, 2, 3, .infinity, .infinity, 2, 1, .nan, 0, 0]
    let y = try run("Mod", [Tensor(a), Tensor(b)])[0].doubles
    for (index, value) in y.enumerated() {
      let (a, b) = (a[index], b[index])
      switch (a, b) {
      case (_, 0), (.infinity, _): #expect(value.isNaN)
      case (let a, let b) where a.isNaN || b.isNaN: #expect(value.isNaN)
      case (let a, .infinity): #expect(value == (a < 0 ? .infinity : a))
      default:
        #expect(abs(value - (a - (a / b).rounded(.down) * b)) < 1e-12)
        #expect(value.sign == b.sign)
      }
    }
  }

  @Test(arguments: [0, 1]) func remaindersOfWholeNumbersHaveTheirSign(fmod: Int) throws {
    let numbers = Array(-9...9).map { Int32($0) }
    let pairs = numbers.flatMap { a in numbers.filter { $0 != 0 }.map { (a, $0) } }
    let y = try run(
      "Mod", [Tensor(pairs.map(\.0)), Tensor(pairs.map(\.1))], ["fmod": .int(fmod)])[0]
    let expected = pairs.map { a, b in
      let quotient = Double(a) / Double(b)
      return a - Int32(quotient.rounded(fmod == 0 ? .down : .towardZero)) * b
    }
    #expect(y.elements(as: Int32.self) == expected)
  }

  // MARK: Eight bits

  private static let codes: [(ElementType, Int, largest: Double, smallest: Double)] = [
    (.float8e4m3fn, 17, 448, 0x1p-9), (.float8e4m3fnuz, 18, 240, 0x1p-10),
    (.float8e5m2, 19, 57344, 0x1p-16), (.float8e5m2fnuz, 20, 57344, 0x1p-17),
  ]

  @Test(arguments: codes.indices) func float8ComesBack(index: Int) throws {
    let (type, code, largest, smallest) = Self.codes[index]
    let all = (0...255).map { UInt8($0) }
    let stored = all.withUnsafeBytes { Tensor(bytes: $0, type: TensorType(type, [256])) }
    let values = try run("Cast", [stored], ["to": .int(11)])[0]
    let numbers = values.doubles.filter(\.isFinite)
    #expect(numbers.max() == largest)
    #expect(numbers.filter { $0 > 0 }.min() == smallest)
    let back = try run("Cast", [values], ["to": .int(code), "saturate": .int(0)])[0]
    let again = try run("Cast", [back], ["to": .int(11)])[0].doubles
    for (a, b) in zip(values.doubles, again) { #expect(a == b || a.isNaN && b.isNaN) }
  }

  @Test(arguments: codes.indices) func float8RoundsToTheNearest(index: Int) throws {
    let (type, code, largest, smallest) = Self.codes[index]
    let x = [
      smallest * 0.5, smallest * 0.51, smallest * 1.5, largest * 2, -.infinity, largest * 1.01,
    ]
    func cast(_ saturate: Int) throws -> [Double] {
      let y = try run("Cast", [Tensor(x)], ["to": .int(code), "saturate": .int(saturate)])
      #expect(y[0].elementType == type)
      return try run("Cast", y, ["to": .int(11)])[0].doubles
    }
    let beyond: Double = type == .float8e5m2 ? .infinity : .nan
    #expect(try cast(1) == [0, smallest, 2 * smallest, largest, -largest, largest])
    let open = try cast(0)
    #expect(Array(open[..<3]) == [0, smallest, 2 * smallest])
    #expect(open[3] == beyond || open[3].isNaN && beyond.isNaN)
    #expect(open[5] == largest)
  }

  // MARK: Training mode

  @Test func trainingIsRefusedInOneWay() throws {
    let x = Tensor([1, 2] as [Float])
    let (yes, no) = (Tensor(scalar: true), Tensor(scalar: false))
    let (half, none) = (Tensor(scalar: Float(0.5)), Tensor(scalar: Float(0)))
    #expect(throws: OperatorError.self) { try run("Dropout", [x, half, yes]) }
    #expect(throws: OperatorError.self) { try run("Dropout", [x, nil, yes]) }
    for inputs in [[x, none, yes], [x, half, no], [x, half]] {
      #expect(try run("Dropout", inputs)[0] == x)
    }
    let channels = Tensor([1] as [Float])
    let image = Tensor([1, 2] as [Float], shape: [2, 1])
    let inputs = [image, channels, channels, channels, channels]
    #expect(throws: NodeError.self) {
      try run("BatchNormalization", inputs, ["training_mode": .int(1)], opset: 15)
    }
    let node = Node(
      "BatchNormalization", inputs: (0..<5).map { "x\($0)" }, outputs: (0..<5).map { "y\($0)" })
    #expect(throws: NodeError.self) {
      try OperatorRegistry.standard.makeOperator(
        for: node, in: Nonsense.Case(node: node, opset: 9, inputs: inputs).graph)
    }
  }
}
