// zlib's decoder of streams: all that touches its `z_stream`.
// Unsafe code: zlib's stream structure. It is allocated, not a stored property, because zlib keeps its
// address and refuses a stream that has moved; it lives until `deinit`. Its pointers are set by
// `ZlibCall.run`.

internal import CZlib

/// A decoder's machine for raw DEFLATE data.
@safe struct InflateMachine: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  init() throws(CodecError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let code = unsafe cairn_inflateInit2(stream, -15)
    guard code == Z_OK else {
      unsafe stream.deallocate()
      throw CodecError(.outOfMemory, "zlib's decoder could not start (code \(code))")
    }
    unsafe self.stream = stream
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Goes back to the beginning of a stream; false if zlib refuses.
  mutating func reset() -> Bool { unsafe inflateReset(stream) == Z_OK }

  /// One call of `inflate`.
  mutating func run(
    _ input: Span<UInt8>, into output: inout MutableSpan<UInt8>, flush: Int32
  ) throws(CodecError) -> ZlibCall {
    let stream = unsafe self.stream
    return unsafe try ZlibCall.run(stream, input, &output) { unsafe inflate(stream, flush) }
  }

  /// The error for what a call has said that is no progress.
  ///
  /// - Parameter offset: Where in its input zlib stands.
  func failure(_ result: Int32, at offset: Int) -> CodecError {
    guard result != Z_MEM_ERROR else {
      return CodecError(.outOfMemory, "zlib's decoder ran out of memory")
    }
    let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
    return CodecError(.corruptStream, text ?? "invalid DEFLATE data", offset: offset)
  }
}
