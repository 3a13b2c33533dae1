// Bytes seen as elements of a Swift type.
//
// One of the few files with unsafe code: nothing else in this module reinterprets memory.

extension Span<UInt8> {
  /// Runs `body` on the same memory as a span of `T`.
  ///
  /// - Precondition: the memory is aligned to `T` and holds a whole number of them, whose bits are
  ///   valid (for the scalars of this module any bits are, except for `Bool`).
  package func withElements<T: BitwiseCopyable, R: ~Copyable, E: Error>(
    of type: T.Type, _ body: (Span<T>) throws(E) -> R
  ) throws(E) -> R {
    // SAFETY: the initialiser traps if the bytes are misaligned or no whole number of elements, so
    // the new span covers exactly the same bytes; it does not outlive this one's borrow.
    try unsafe body(Span<T>(_bytes: bytes))
  }
}

extension MutableSpan<UInt8> {
  /// Runs `body` on the same memory as a mutable span of `T`.
  ///
  /// - Precondition: as ``Span/withElements(of:_:)``.
  package mutating func withMutableElements<T: BitwiseCopyable, R: ~Copyable, E: Error>(
    of type: T.Type, _ body: (inout MutableSpan<T>) throws(E) -> R
  ) throws(E) -> R {
    // SAFETY: the initialiser traps if the bytes are misaligned or no whole number of elements; the
    // exclusive access to `self` lasts as long as the new span.
    try unsafe withUnsafeMutableBytes { (buffer) throws(E) -> R in
      var elements = unsafe MutableSpan<T>(_unsafeBytes: buffer)
      return try body(&elements)
    }
  }
}
