/// A piece of work on elements of any kind that is written once for all widths.
protocol WordWork {
  func run<Word: BitwiseCopyable>(_: Word.Type) throws
}

extension WordWork {
  /// Does the work for elements of 1, 2, 4, 8 or 16 bytes.
  func run(width: Int) throws {
    switch width {
    case 1: try run(UInt8.self)
    case 2: try run(UInt16.self)
    case 4: try run(UInt32.self)
    case 8: try run(UInt64.self)
    default: try run(SIMD2<UInt64>.self)
    }
  }
}
