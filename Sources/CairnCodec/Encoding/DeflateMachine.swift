// zlib's coder of streams: all that touches its `z_stream`.
// Unsafe code: zlib's stream structure. It is allocated, not a stored property, because zlib keeps its
// address and refuses a stream that has moved; it lives until `deinit`. Its pointers are set by
// `ZlibCall.run`.

internal import CZlib

/// A coder's machine for raw DEFLATE data.
@safe struct DeflateMachine: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>
  static let level: Int32 = 6

  init() throws(CodecError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // Window 2^15 without zlib's header; memory level 8 is zlib's default.
    let code = unsafe cairn_deflateInit2(stream, Self.level, -15, 8, Z_DEFAULT_STRATEGY)
    guard code == Z_OK else {
      unsafe stream.deallocate()
      throw CodecError(.outOfMemory, "zlib's coder could not start (code \(code))")
    }
    unsafe self.stream = stream
  }

  deinit {
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Goes back to the beginning of a stream; false if zlib refuses.
  mutating func reset() -> Bool { unsafe deflateReset(stream) == Z_OK }

  /// One call of `deflate`.
  mutating func run(
    _ input: Span<UInt8>, into output: inout MutableSpan<UInt8>, flush: Int32
  ) throws(CodecError) -> ZlibCall {
    let stream = unsafe self.stream
    return unsafe try ZlibCall.run(stream, input, &output) { unsafe deflate(stream, flush) }
  }
}
