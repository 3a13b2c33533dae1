// Integers and float64 encoded as elements of any type of numbers, each rounded once.

import CairnSystem

/// Writes runs of elements of one type. Where elements are smaller than a byte, a run begins with a
/// byte.
struct ElementEncoder {
  private let dtype: DType
  private let kind: MiniFloat?

  init(_ dtype: DType) {
    self.dtype = dtype
    self.kind = MiniFloat.of(dtype)
  }

  // MARK: - From integers

  /// Writes bools (not zero) and integers (modulo 2^bits).
  func encode(_ values: [Int64], _ run: Range<Int>, _ output: inout MutableSpan<UInt8>) {
    switch dtype {
    case .bool: store(values, run, UInt8.self, &output) { $0 == 0 ? 0 : 1 }
    case .int8, .uint8: store(values, run, UInt8.self, &output) { UInt8(truncatingIfNeeded: $0) }
    case .int16, .uint16:
      store(values, run, UInt16.self, &output) { UInt16(truncatingIfNeeded: $0) }
    case .int32, .uint32:
      store(values, run, UInt32.self, &output) { UInt32(truncatingIfNeeded: $0) }
    case .int64, .uint64: store(values, run, Int64.self, &output) { $0 }
    default:
      guard dtype.isInteger, let bitWidth = dtype.bitWidth, bitWidth < 8 else {
        preconditionFailure("\(dtype) is no type of integers")
      }
      clear(run, bitWidth: bitWidth, &output)
      for (offset, index) in run.enumerated() {
        let bits = UInt8(truncatingIfNeeded: values[offset]) & (1 << UInt8(bitWidth) - 1)
        PackedBits.insert(bits, at: index, bitWidth: bitWidth, into: &output)
      }
    }
  }

  // MARK: - From floats

  /// Writes numbers of any kind; `imaginaries` only where the kind is complex.
  ///
  /// - Throws: `notRepresentable` with the index of the first element that has no counterpart.
  func encode(
    _ reals: [Double], _ imaginaries: [Double], _ run: Range<Int>,
    _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    switch dtype {
    case .bool: store(reals, run, UInt8.self, &output) { $0 == 0 ? 0 : 1 }
    case .int8: try integers(reals, run, Int8.self, &output)
    case .int16: try integers(reals, run, Int16.self, &output)
    case .int32: try integers(reals, run, Int32.self, &output)
    case .int64: try integers(reals, run, Int64.self, &output)
    case .uint8: try integers(reals, run, UInt8.self, &output)
    case .uint16: try integers(reals, run, UInt16.self, &output)
    case .uint32: try integers(reals, run, UInt32.self, &output)
    case .uint64: try integers(reals, run, UInt64.self, &output)
    case .float16:
      store(reals, run, UInt16.self, &output) {
        HalfPrecision.float16(Float(roundingToOdd: $0).bitPattern)
      }
    case .bfloat16:
      store(reals, run, UInt16.self, &output) {
        HalfPrecision.bfloat16(Float(roundingToOdd: $0).bitPattern)
      }
    case .float32: store(reals, run, Float.self, &output) { Float($0) }
    case .float64: store(reals, run, Double.self, &output) { $0 }
    case .float8E8M0FNU:
      store(reals, run, UInt8.self, &output) { ExponentFloat.encode(Float(roundingToOdd: $0)) }
    case .complex64: complex(reals, imaginaries, run, Float.self, &output) { Float($0) }
    case .complex128: complex(reals, imaginaries, run, Double.self, &output) { $0 }
    default:
      let row = dtype.row
      switch row.kind {
      case .integer(let isSigned):
        try packedIntegers(reals, run, bitWidth: row.bits ?? 8, isSigned: isSigned, &output)
      case .truth, .float, .complex, .strings, .blocks: try miniFloats(reals, run, &output)
      }
    }
  }

  private func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: [Double], _ run: Range<Int>, _ type: T.Type, _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    // A value whose fraction is cut off is in range if it lies strictly between the two numbers
    // just outside the range. Above, 2^bits is exact. Below, -2^63 - 1 is not: there the smallest
    // integer itself is the bound.
    let end =
      T.isSigned ? -Double(T.min) : Double(sign: .plus, exponent: T.bitWidth, significand: 1)
    let least = Double(T.min)
    try output.withMutableElements(of: type) { (elements) throws(CairnError) in
      for offset in 0..<run.count {
        let value = values[offset]
        // False for NaN.
        guard value < end, value > least - 1 || value == least else {
          throw notRepresentable(value, run.lowerBound + offset)
        }
        elements[run.lowerBound + offset] = T(value)
      }
    }
  }

  private func packedIntegers(
    _ values: [Double], _ run: Range<Int>, bitWidth: Int, isSigned: Bool,
    _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    precondition(bitWidth < 8, "integers of whole bytes have loops of their own")
    clear(run, bitWidth: bitWidth, &output)
    let count = 1 << bitWidth
    // The two numbers just outside the range.
    let (below, above) = isSigned ? (-count / 2 - 1, count / 2) : (-1, count)
    for (offset, index) in run.enumerated() {
      let value = values[offset]
      guard value < Double(above), value > Double(below) else {
        throw notRepresentable(value, index)
      }
      let bits = UInt8(bitPattern: Int8(value)) & UInt8(count - 1)
      PackedBits.insert(bits, at: index, bitWidth: bitWidth, into: &output)
    }
  }

  private func miniFloats(
    _ values: [Double], _ run: Range<Int>, _ output: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    guard let kind, let bitWidth = dtype.bitWidth else {
      preconditionFailure("\(dtype) is no type of numbers")
    }
    clear(run, bitWidth: bitWidth, &output)
    for (offset, index) in run.enumerated() {
      guard let bits = kind.encode(Float(roundingToOdd: values[offset])) else {
        throw notRepresentable(values[offset], index)
      }
      PackedBits.insert(bits, at: index, bitWidth: bitWidth, into: &output)
    }
  }

  private func notRepresentable(_ value: Double, _ index: Int) -> CairnError {
    CairnError(
      .notRepresentable, "a value has no counterpart in \(dtype)", at: .init(index: index),
      found: "\(value)", advice: "Clamp or replace such values first")
  }

  // MARK: - Storing

  /// Makes the bytes of a run of sub-byte elements zero.
  private func clear(_ run: Range<Int>, bitWidth: Int, _ output: inout MutableSpan<UInt8>) {
    let first = run.lowerBound / 8 * bitWidth
    let count = (run.count * bitWidth + 7) / 8
    for index in first..<first + count { output[index] = 0 }
  }

  @inline(__always)
  private func store<Value, T: BitwiseCopyable>(
    _ values: [Value], _ run: Range<Int>, _ type: T.Type, _ output: inout MutableSpan<UInt8>,
    _ element: (Value) -> T
  ) {
    output.withMutableElements(of: type) { elements in
      for offset in 0..<run.count { elements[run.lowerBound + offset] = element(values[offset]) }
    }
  }

  @inline(__always)
  private func complex<T: BitwiseCopyable>(
    _ reals: [Double], _ imaginaries: [Double], _ run: Range<Int>, _ type: T.Type,
    _ output: inout MutableSpan<UInt8>, _ part: (Double) -> T
  ) {
    output.withMutableElements(of: type) { parts in
      for offset in 0..<run.count {
        parts[2 * (run.lowerBound + offset)] = part(reals[offset])
        parts[2 * (run.lowerBound + offset) + 1] = part(imaginaries[offset])
      }
    }
  }
}
