// Copying, comparing and hashing spans of bytes at memory speed.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension MutableSpan<UInt8> {
  /// Copies all of `source` to the position `offset` on.
  ///
  /// - Precondition: it fits.
  package mutating func copy(_ source: Span<UInt8>, at offset: Int = 0) {
    precondition(offset >= 0 && source.count <= count - offset, "copy past the end")
    guard source.count > 0 else { return }
    // SAFETY: both lengths were just checked; a span being mutated cannot overlap another span.
    unsafe withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { bytes in
        if let to = target.baseAddress, let from = bytes.baseAddress {
          unsafe _ = memcpy(to + offset, from, bytes.count)
        }
      }
    }
  }

  /// Runs `body` on a part of the span.
  ///
  /// - Precondition: `range` lies within the span.
  package mutating func withPart<R: ~Copyable, E: Error>(
    _ range: Range<Int>, _ body: (inout MutableSpan<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    var part = self._mutatingExtracting(range)
    return try body(&part)
  }
}

extension Span<UInt8> {
  /// Whether the two hold the same bytes; constant memory, memory speed.
  package func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    guard count > 0 else { return true }
    // SAFETY: both spans have `count` bytes.
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return unsafe memcmp(first, second, left.count) == 0
      }
    }
  }

  /// The bytes as an array.
  package var array: [UInt8] {
    // SAFETY: the initialiser copies exactly the span's bytes.
    unsafe withUnsafeBufferPointer { unsafe Array($0) }
  }

  /// Hashes all bytes.
  package func hash(into hasher: inout Hasher) {
    // SAFETY: the pointer covers exactly the span and does not leave the closure.
    unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
  }
}
