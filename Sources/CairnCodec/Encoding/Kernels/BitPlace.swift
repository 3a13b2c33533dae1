// Where the loops that write codes are. Unsafe code: stores whose bounds their callers argue for.

/// What does not fill a byte yet, at most 7 bits between calls, and where that goes: a `BitWriter`
/// in the hands of a loop.
struct BitPlace {
  var bits: UInt64
  var held: UInt64
  var end: Int

  init(of writer: BitWriter) {
    (bits, held, end) = (writer.pending, UInt64(writer.pendingCount), writer.end)
  }

  /// Lets the writer go on from here.
  func store(to writer: inout BitWriter) {
    (writer.pending, writer.pendingCount, writer.end) = (bits, Int(held), end)
  }

  /// Puts a code of at most 56 bits; stores eight bytes from `end` on, which must lie in what `to`
  /// is the start of.
  @inline(__always)
  mutating func put(_ code: UInt64, _ length: UInt64, _ to: UnsafeMutableRawPointer) {
    bits |= code &<< held
    held &+= length
    unsafe (to + end).storeBytes(of: bits.littleEndian, as: UInt64.self)
    end &+= Int(truncatingIfNeeded: held &>> 3)
    bits &>>= held & 56
    held &= 7
  }
}
