// Elements of any type of numbers, decoded to integers or float64, exactly.

/// Reads runs of elements. Where elements are smaller than a byte, a run begins with a byte.
enum ElementDecoder {
  /// Decodes bools and integers; a uint64 to the Int64 of the same bits.
  static func decode(
    _ input: Span<UInt8>, _ run: Range<Int>, _ dtype: DType, _ output: inout [Int64]
  ) {
    switch dtype {
    case .int8: integers(input, run, Int8.self, &output)
    case .int16: integers(input, run, Int16.self, &output)
    case .int32: integers(input, run, Int32.self, &output)
    case .int64: integers(input, run, Int64.self, &output)
    case .bool, .uint8: integers(input, run, UInt8.self, &output)
    case .uint16: integers(input, run, UInt16.self, &output)
    case .uint32: integers(input, run, UInt32.self, &output)
    case .uint64: integers(input, run, UInt64.self, &output)
    default:
      let row = dtype.row
      guard case .integer(let isSigned) = row.kind, let bitWidth = row.bits, bitWidth < 8 else {
        preconditionFailure("\(dtype) is no type of integers")
      }
      let unused = UInt8(8 - bitWidth)
      for index in 0..<run.count {
        let bits = PackedBits.element(run.lowerBound + index, bitWidth: bitWidth, of: input)
        output[index] =
          isSigned ? Int64(Int8(bitPattern: bits << unused) >> Int8(unused)) : Int64(bits)
      }
    }
  }

  /// Decodes floats.
  static func decode(
    _ input: Span<UInt8>, _ run: Range<Int>, _ dtype: DType, _ output: inout [Double]
  ) {
    switch dtype {
    case .float64: floats(input, run, Double.self, &output) { $0 }
    case .float32: floats(input, run, Float.self, &output) { Double($0) }
    case .float16:
      floats(input, run, UInt16.self, &output) {
        Double(Float(bitPattern: HalfPrecision.float32(float16: $0)))
      }
    case .bfloat16:
      floats(input, run, UInt16.self, &output) {
        Double(Float(bitPattern: HalfPrecision.float32(bfloat16: $0)))
      }
    case .float8E8M0FNU:
      let values = ExponentFloat.values
      floats(input, run, UInt8.self, &output) { Double(values[Int($0)]) }
    default:
      guard let kind = MiniFloat.of(dtype), let bitWidth = dtype.bitWidth else {
        preconditionFailure("\(dtype) is no type of floats")
      }
      for index in 0..<run.count {
        let bits = PackedBits.element(run.lowerBound + index, bitWidth: bitWidth, of: input)
        output[index] = Double(kind.values[Int(bits)])
      }
    }
  }

  /// Decodes complex numbers.
  static func decode(
    _ input: Span<UInt8>, _ run: Range<Int>, _ dtype: DType, _ reals: inout [Double],
    _ imaginaries: inout [Double]
  ) {
    if dtype == .complex64 {
      complex(input, run, Float.self, &reals, &imaginaries) { Double($0) }
    } else {
      complex(input, run, Double.self, &reals, &imaginaries) { $0 }
    }
  }

  private static func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ input: Span<UInt8>, _ run: Range<Int>, _ type: T.Type, _ output: inout [Int64]
  ) {
    input.withElements(of: type) { elements in
      for index in 0..<run.count {
        output[index] = Int64(truncatingIfNeeded: elements[run.lowerBound + index])
      }
    }
  }

  @inline(__always)
  private static func floats<T: BitwiseCopyable>(
    _ input: Span<UInt8>, _ run: Range<Int>, _ type: T.Type, _ output: inout [Double],
    _ value: (T) -> Double
  ) {
    input.withElements(of: type) { elements in
      for index in 0..<run.count { output[index] = value(elements[run.lowerBound + index]) }
    }
  }

  @inline(__always)
  private static func complex<T: BitwiseCopyable>(
    _ input: Span<UInt8>, _ run: Range<Int>, _ type: T.Type, _ reals: inout [Double],
    _ imaginaries: inout [Double], _ value: (T) -> Double
  ) {
    input.withElements(of: type) { parts in
      for index in 0..<run.count {
        reals[index] = value(parts[2 * (run.lowerBound + index)])
        imaginaries[index] = value(parts[2 * (run.lowerBound + index) + 1])
      }
    }
  }
}

/// Elements of less than a byte: packed without gaps, least significant bits first.
enum PackedBits {
  /// The bits of element `index`, which has at most 8.
  @inline(__always)
  static func element(_ index: Int, bitWidth: Int, of bytes: Span<UInt8>) -> UInt8 {
    // 64-bit arithmetic by parts: index · bitWidth could overflow, these cannot.
    let bit = (index & 7) * bitWidth
    let byte = (index >> 3) * bitWidth + bit >> 3
    let shift = UInt16(bit & 7)
    var bits = UInt16(bytes[byte])
    if Int(shift) + bitWidth > 8 { bits |= UInt16(bytes[byte + 1]) << 8 }
    return UInt8(truncatingIfNeeded: bits >> shift) & UInt8(truncatingIfNeeded: 1 << bitWidth - 1)
  }

  /// Adds the bits of element `index` to bytes in which they are still zero.
  @inline(__always)
  static func insert(
    _ element: UInt8, at index: Int, bitWidth: Int, into bytes: inout MutableSpan<UInt8>
  ) {
    let bit = (index & 7) * bitWidth
    let byte = (index >> 3) * bitWidth + bit >> 3
    let bits = UInt16(element) << UInt16(bit & 7)
    bytes[byte] |= UInt8(truncatingIfNeeded: bits)
    if bits > 0xFF { bytes[byte + 1] |= UInt8(truncatingIfNeeded: bits >> 8) }
  }
}
