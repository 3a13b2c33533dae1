// Conversion by way of a common kind: a run of elements is decoded to integers or float64, and
// encoded from there. One loop a type on each side instead of one a pair of types.

import CairnSystem

/// A conversion between two types of numbers, run by run.
struct ElementConversion {
  private let source: DType
  private let target: DType
  private let encoder: ElementEncoder
  /// Elements a run: whole bytes of every sub-byte kind, small enough for the nearest cache.
  private static let runLength = 2_048
  private var integers = [Int64](repeating: 0, count: runLength)
  private var reals = [Double](repeating: 0, count: runLength)
  private var imaginaries = [Double](repeating: 0, count: runLength)

  /// - Precondition: both are numbers or bool, and not complex to real.
  init(from source: DType, to target: DType) {
    self.source = source
    self.target = target
    self.encoder = ElementEncoder(target)
  }

  /// Converts `count` elements.
  ///
  /// - Precondition: both spans hold `count` elements and are aligned to them.
  /// - Throws: `notRepresentable`.
  mutating func convert(
    _ input: Span<UInt8>, count: Int, _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    var first = 0
    while first < count {
      let run = first..<min(first + Self.runLength, count)
      if source.isComplex {
        ElementDecoder.decode(input, run, source, &reals, &imaginaries)
        if target == .bool {
          for index in 0..<run.count where imaginaries[index] != 0 { reals[index] = 1 }
        }
        try encoder.encode(reals, imaginaries, run, &output)
      } else if source.isInteger || source == .bool {
        ElementDecoder.decode(input, run, source, &integers)
        try convertIntegers(run, &output)
      } else {
        ElementDecoder.decode(input, run, source, &reals)
        try encoder.encode(reals, imaginaries, run, &output)
      }
      first = run.upperBound
    }
  }

  private mutating func convertIntegers(
    _ run: Range<Int>, _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    if target.isInteger || target == .bool {
      encoder.encode(integers, run, &output)
      return
    }
    // A value that float64 cannot hold, and that is rounded once more, must be rounded to odd here.
    let isLast = target == .float64 || target == .complex128
    switch source {
    case .uint64:
      for index in 0..<run.count {
        let value = UInt64(bitPattern: integers[index])
        reals[index] = isLast ? Double(value) : Double(roundingToOdd: value, isNegative: false)
      }
    case .int64 where !isLast:
      for index in 0..<run.count {
        let value = integers[index]
        reals[index] = Double(roundingToOdd: value.magnitude, isNegative: value < 0)
      }
    default:
      for index in 0..<run.count { reals[index] = Double(integers[index]) }
    }
    try encoder.encode(reals, imaginaries, run, &output)
  }
}
