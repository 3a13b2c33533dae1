// Tensors from Swift values and back, with type and count checked.
//
// The only unsafe code here goes from an array to its bytes and from a span to an array; reading
// bytes as scalars is in `TypedBytes.swift`. A slice or a mapped tensor may begin anywhere: what is
// not aligned is copied first.

public import CairnSystem

extension Tensor {
  /// A tensor of the given shape with `values`, row-major; without a shape, of one dimension.
  ///
  /// - Throws: `countMismatch` if there are not as many values as the shape has elements;
  ///   `outOfMemory`.
  public init<Scalar: TensorScalar>(
    _ values: [Scalar], shape: Shape? = nil
  ) throws(CairnError) {
    let shape = shape ?? .vector(values.count)
    guard values.count == shape.elementCount else {
      throw CairnError(
        .countMismatch, "the values do not fill the shape \(shape)",
        expected: "\(shape.elementCount) values", found: "\(values.count)")
    }
    Self.checkWidth(Scalar.self)
    // SAFETY: an array of BitwiseCopyable scalars is its elements' bytes without gaps.
    let byteCount = values.count * MemoryLayout<Scalar>.stride
    try self.init(dtype: Scalar.dtype, shape: shape, byteCount: byteCount) {
      (target) throws(CairnError) in
      unsafe values.withUnsafeBytes { source in
        target.copy(unsafe Span<UInt8>(_unsafeBytes: source))
      }
    }
  }

  /// A tensor without dimensions that holds `value`.
  ///
  /// - Throws: `outOfMemory`.
  public init<Scalar: TensorScalar>(scalar value: Scalar) throws(CairnError) {
    try self.init([value], shape: .scalar)
  }

  /// A tensor of the given shape, every element of which is `value`.
  ///
  /// - Throws: `outOfMemory`.
  public init<Scalar: TensorScalar>(
    repeating value: Scalar, shape: Shape
  ) throws(CairnError) {
    try self.init(zeros: Scalar.dtype, shape: shape)
    try withMutableScalars(of: Scalar.self) { values in
      for index in values.indices { values[index] = value }
    }
  }

  /// Runs `body` on the elements as scalars. The span must not leave the closure.
  ///
  /// - Throws: `dtypeMismatch` if `Scalar` is not the element type's; `invalidElement` for a bool
  ///   that is neither 0 nor 1; `outOfMemory`; what `body` throws.
  /// - Complexity: O(1); O(bytes) for bools, which are checked, and for a tensor whose bytes are not
  ///   aligned to the scalar.
  public func withScalars<Scalar: TensorScalar, R>(
    of type: Scalar.Type, _ body: (Span<Scalar>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    try check(type)
    if storageIdentity.addresses.lowerBound % UInt(MemoryLayout<Scalar>.alignment) != 0 {
      return try copied().withScalars(of: type, body)
    }
    return try withBytes { (bytes) throws(CairnError) -> R in
      // A source that is read lazily may have given any bytes; as a Bool, a 2 would be undefined.
      if dtype == .bool { try ElementRules.checkBools(bytes, firstElement: 0) }
      return try bytes.withElements(of: type, body)
    }
  }

  /// Runs `body` on the elements as scalars, for writing.
  ///
  /// - Throws: `dtypeMismatch`, `outOfMemory`, and what `body` throws. If it throws, what it has
  ///   written stays.
  /// - Complexity: O(1) if the storage is not shared, else a copy of the bytes.
  public mutating func withMutableScalars<Scalar: TensorScalar, R>(
    of type: Scalar.Type, _ body: (inout MutableSpan<Scalar>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    try check(type)
    if storageIdentity.addresses.lowerBound % UInt(MemoryLayout<Scalar>.alignment) != 0 {
      self = try copied()
    }
    return try withMutableBytes { (bytes) throws(CairnError) -> R in
      if Scalar.dtype == .bool { try ElementRules.checkBools(bytes.span, firstElement: 0) }
      return try bytes.withMutableElements(of: type, body)
    }
  }

  /// The elements as an array, row-major: a copy.
  ///
  /// - Throws: `dtypeMismatch` if `Scalar` is not the element type's; ``cast(to:)`` first.
  public func scalars<Scalar: TensorScalar>(
    of type: Scalar.Type = Scalar.self
  ) throws(CairnError) -> [Scalar] {
    try withScalars(of: type) { values in
      // SAFETY: the array copies exactly the span's elements.
      unsafe values.withUnsafeBufferPointer { unsafe Array($0) }
    }
  }

  /// The one element.
  ///
  /// - Throws: `dtypeMismatch`, `countMismatch` if there is not exactly one.
  public func scalar<Scalar: TensorScalar>(
    of type: Scalar.Type = Scalar.self
  ) throws(CairnError) -> Scalar {
    guard elementCount == 1 else {
      throw CairnError(
        .countMismatch, "a tensor of shape \(shape) is no single value", expected: "1 element",
        found: "\(elementCount)")
    }
    return try withScalars(of: type) { $0[0] }
  }

  /// The element at the given position, one index a dimension.
  ///
  /// - Throws: `dtypeMismatch`, `invalidArgument` for a position outside the shape.
  public func element<Scalar: TensorScalar>(
    at position: [Int], of type: Scalar.Type = Scalar.self
  ) throws(CairnError) -> Scalar {
    let index = try offset(of: position)
    return try withScalars(of: type) { $0[index] }
  }

  /// Replaces the element at the given position.
  ///
  /// - Throws: `dtypeMismatch`, `invalidArgument` for a position outside the shape, `outOfMemory`.
  public mutating func setElement<Scalar: TensorScalar>(
    at position: [Int], to value: Scalar
  ) throws(CairnError) {
    let index = try offset(of: position)
    try withMutableScalars(of: Scalar.self) { $0[index] = value }
  }

  private func offset(of position: [Int]) throws(CairnError) -> Int {
    guard position.count == rank else {
      throw CairnError(
        .invalidArgument, "the position has not one index a dimension",
        expected: "\(rank) indices", found: "\(position.count)")
    }
    var offset = 0
    for (axis, index) in position.enumerated() {
      guard (0..<shape[axis]).contains(index) else {
        throw CairnError(
          .invalidArgument, "the index along dimension \(axis) is out of range",
          expected: "0..<\(shape[axis])", found: "\(index)")
      }
      offset = offset * shape[axis] + index
    }
    return offset
  }

  private func check<Scalar: TensorScalar>(_ type: Scalar.Type) throws(CairnError) {
    guard dtype == Scalar.dtype else {
      throw CairnError(
        .dtypeMismatch, "the elements are not of the type asked for", expected: "\(Scalar.dtype)",
        found: "\(dtype)", advice: "Convert them with cast(to:)")
    }
    Self.checkWidth(type)
  }

  /// A conformance from elsewhere, with a type of another width, must not reach memory.
  private static func checkWidth<Scalar: TensorScalar>(_ type: Scalar.Type) {
    precondition(
      Scalar.dtype.bitWidth == 8 * MemoryLayout<Scalar>.stride,
      "the conformances to TensorScalar are those of this module")
  }
}

// MARK: - Strings

extension Tensor {
  /// A tensor of byte strings: each string's UTF-8.
  ///
  /// - Throws: `countMismatch`, `outOfMemory`.
  public init(strings: [String], shape: Shape? = nil) throws(CairnError) {
    try self.init(byteStrings: strings.map { Array($0.utf8) }, shape: shape)
  }

  /// A tensor of byte strings; without a shape, of one dimension.
  ///
  /// - Throws: `countMismatch`, `outOfMemory`.
  public init(byteStrings: [[UInt8]], shape: Shape? = nil) throws(CairnError) {
    let shape = shape ?? .vector(byteStrings.count)
    guard byteStrings.count == shape.elementCount else {
      throw CairnError(
        .countMismatch, "the strings do not fill the shape \(shape)",
        expected: "\(shape.elementCount) strings", found: "\(byteStrings.count)")
    }
    var bytes: [UInt8] = []
    var end: UInt64 = 0
    for string in byteStrings {
      end += UInt64(string.count)
      bytes.append(littleEndian: end)
    }
    for string in byteStrings { bytes += string }
    try self.init(dtype: .string, shape: shape, bytes: bytes)
  }

  /// The byte strings, row-major.
  ///
  /// - Throws: `dtypeMismatch` if the element type is not `string`; `invalidElement` if the offsets
  ///   (of a lazily read tensor) do not ascend.
  public func byteStrings() throws(CairnError) -> [[UInt8]] {
    guard dtype == .string else {
      throw CairnError(
        .dtypeMismatch, "the elements are no strings", expected: "string", found: "\(dtype)")
    }
    let count = elementCount
    return try withBytes { (bytes) throws(CairnError) in
      try ElementRules.check(bytes, dtype: .string, elementCount: count)
      var strings: [[UInt8]] = []
      strings.reserveCapacity(count)
      var start = 8 * count
      for index in 0..<count {
        let stop = 8 * count + Int(bytes.stringEnd(index))
        strings.append(bytes.extracting(start..<stop).array)
        start = stop
      }
      return strings
    }
  }
}
