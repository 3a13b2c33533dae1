// Little-endian fields, out of bytes and into them.

extension Span<UInt8> {
  /// The little-endian integer at `offset`.
  ///
  /// - Precondition: it lies within the span. Callers read from records whose length they have
  ///   checked; what has no fixed length is read through a ``ByteCursor``, which throws.
  @inlinable
  package func field<T: FixedWidthInteger & UnsignedInteger>(
    _ offset: Int, as type: T.Type = T.self
  ) -> T {
    T(truncatingIfNeeded: number(at: offset, width: MemoryLayout<T>.size))
  }

  /// The little-endian number in the first 8 of the `width` bytes at `offset`.
  ///
  /// - Precondition: they lie within the span.
  @usableFromInline
  package func number(at offset: Int, width: Int) -> UInt64 {
    var value: UInt64 = 0
    for place in 0..<Swift.min(8, width) {
      value |= UInt64(self[offset + place]) &<< UInt64(8 * place)
    }
    return value
  }
}

extension [UInt8] {
  /// Appends the `width` low bytes of `value`, at most 8, the least significant first.
  package mutating func append(littleEndian value: UInt64, width: Int) {
    var rest = value
    for _ in 0..<Swift.min(8, width) {
      append(UInt8(truncatingIfNeeded: rest))
      rest &>>= 8
    }
  }

  // One for each width, not a generic one: that would be much slower when another module calls it.

  package mutating func append(littleEndian value: UInt16) {
    append(littleEndian: UInt64(value), width: 2)
  }

  package mutating func append(littleEndian value: UInt32) {
    append(littleEndian: UInt64(value), width: 4)
  }

  package mutating func append(littleEndian value: UInt64) {
    append(littleEndian: value, width: 8)
  }
}

extension UInt32 {
  /// The four bytes, the least significant first.
  package var littleEndianBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: self)
    return bytes
  }
}

extension UInt64 {
  /// The eight bytes, the least significant first.
  package var littleEndianBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: self)
    return bytes
  }
}

/// Little-endian fields being put together.
package struct ByteBuilder: Sendable {
  package private(set) var bytes: [UInt8]

  /// A builder that begins with `bytes`.
  package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// A builder with room for `capacity` bytes before it asks for more memory.
  package init(capacity: Int) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  package mutating func append(_ value: UInt8) { bytes.append(value) }
  package mutating func append(_ value: UInt16) { bytes.append(littleEndian: value) }
  package mutating func append(_ value: UInt32) { bytes.append(littleEndian: value) }
  package mutating func append(_ value: UInt64) { bytes.append(littleEndian: value) }
  package mutating func append(_ more: [UInt8]) { bytes += more }

  package mutating func appendZeros(_ count: Int) { bytes += repeatElement(0, count: count) }

  /// Zeros up to the next multiple of `alignment`, a power of two.
  package mutating func align(to alignment: Int) {
    appendZeros(padding(after: bytes.count, to: alignment))
  }
}

/// The zero bytes that bring `count` up to a multiple of `alignment`, a power of two.
package func padding(after count: Int, to alignment: Int) -> Int { -count & (alignment - 1) }
