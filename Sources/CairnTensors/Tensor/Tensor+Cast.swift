// Conversion between element types: always asked for, never implied.

public import CairnSystem

extension Tensor {
  /// The same numbers in another element type, in storage of its own; the tensor itself if that is
  /// its type already.
  ///
  /// What a conversion does to a number:
  ///
  /// | from | to | result |
  /// | --- | --- | --- |
  /// | float | float | the nearest value, ties to even, rounded once: float64 to a 16-, 8-, 6- or 4-bit kind does not go through float32's rounding |
  /// | float beyond the largest | float | infinity where the kind has it (float8_e5m2 too), else NaN (float8), else the largest value of that sign (float6, float4) |
  /// | NaN | float | a NaN with the same sign, where the kind has signed NaNs; in float16, bfloat16, float32 and float64 with the upper bits of its payload, and quiet (from bfloat16 to float32 the bits stay as they are); `notRepresentable` for float6 and float4 |
  /// | float | float8_e8m0fnu | the nearest power of two, ties to the larger, at least 2^-127; NaN for zero and negative numbers, as in ml_dtypes |
  /// | float | integer | cut toward zero; `notRepresentable` for NaN, infinity and what is out of range, where NumPy leaves the result open |
  /// | integer | integer | modulo 2^bits, as NumPy's `astype` |
  /// | integer | float | the nearest value, ties to even, rounded once |
  /// | anything | bool | whether it is not zero; a NaN is true |
  /// | bool | number | 0 or 1 |
  /// | real | complex | with imaginary part 0 |
  /// | complex | complex | each part as a float |
  ///
  /// - Throws: `noConversion` to and from strings and quantised blocks, and from complex to real;
  ///   `notRepresentable` with the index of the first element that has no counterpart;
  ///   `outOfMemory`.
  /// - Complexity: O(elements). Between float32, bfloat16 and float16 the speed is that of memory.
  public func cast(to target: DType) throws(CairnError) -> Tensor {
    if target == dtype { return self }
    try checkConversion(to: target)
    // The loops below read whole elements in place; a view may begin anywhere.
    let source = storageIdentity.addresses.lowerBound % 16 == 0 ? self : try copied()
    let count = elementCount
    let byteCount = try Self.byteCount(of: target, shape)
    return try Tensor(dtype: target, shape: shape, byteCount: byteCount) {
      (output) throws(CairnError) in
      try source.withBytes { (input) throws(CairnError) in
        if FloatWidths.convert(input, dtype, to: target, &output) { return }
        var conversion = ElementConversion(from: dtype, to: target)
        try conversion.convert(input, count: count, &output)
      }
    }
  }

  private func checkConversion(to target: DType) throws(CairnError) {
    if dtype.isComplex, !target.isComplex, target != .bool {
      throw CairnError(
        .noConversion, "a conversion from \(dtype) to \(target) would lose the imaginary parts",
        advice: "Read the parts from the bytes: each element is the real part, then the imaginary")
    }
    for type in [dtype, target] {
      switch type.row.kind {
      case .strings:
        throw CairnError(
          .noConversion, "no conversion is defined between strings and another type",
          expected: "a number or bool", found: "\(dtype) to \(target)",
          advice: "Parse or print the strings yourself: byteStrings() gives them")
      case .blocks:
        throw CairnError(
          .noConversion, "quantised blocks are kept, never interpreted",
          expected: "a number or bool", found: "\(dtype) to \(target)",
          advice: "Dequantise with the library that the blocks come from")
      case .truth, .integer, .float, .complex: break
      }
    }
  }
}

/// The conversions among the widths of a float that models use, without a detour.
private enum FloatWidths {
  /// Converts all of `input`; false if the pair is not one of those.
  static func convert(
    _ input: Span<UInt8>, _ source: DType, to target: DType, _ output: inout MutableSpan<UInt8>
  ) -> Bool {
    switch (source, target) {
    case (.float32, .bfloat16):
      map(input, &output, UInt32.self, UInt16.self) { HalfPrecision.bfloat16($0) }
    case (.float32, .float16):
      map(input, &output, UInt32.self, UInt16.self) { HalfPrecision.float16($0) }
    case (.bfloat16, .float32):
      map(input, &output, UInt16.self, UInt32.self) { HalfPrecision.float32(bfloat16: $0) }
    case (.float16, .float32):
      map(input, &output, UInt16.self, UInt32.self) { HalfPrecision.float32(float16: $0) }
    case (.bfloat16, .float16):
      map(input, &output, UInt16.self, UInt16.self) {
        HalfPrecision.float16(HalfPrecision.float32(bfloat16: $0))
      }
    case (.float16, .bfloat16):
      map(input, &output, UInt16.self, UInt16.self) {
        HalfPrecision.bfloat16(HalfPrecision.float32(float16: $0))
      }
    case (.float32, .float64):
      map(input, &output, Float.self, Double.self) { Double($0) }
    case (.float64, .float32):
      map(input, &output, Double.self, Float.self) { Float($0) }
    default: return false
    }
    return true
  }

  @inline(__always)
  private static func map<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ input: Span<UInt8>, _ output: inout MutableSpan<UInt8>, _: Source.Type, _: Target.Type,
    _ convert: (Source) -> Target
  ) {
    input.withElements(of: Source.self) { source in
      output.withMutableElements(of: Target.self) { target in
        precondition(source.count == target.count, "both have the tensor's elements")
        for index in 0..<source.count { target[index] = convert(source[index]) }
      }
    }
  }
}
