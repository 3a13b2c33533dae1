// zlib's two stream machines, and one call of either: all that touches `z_stream` but what resets it.
// Unsafe code: zlib's stream structure and its pointers.
//
// Bounds: zlib reads at most `avail_in` bytes from `next_in` and writes at most `avail_out` bytes to
// `next_out`, which `run` sets from one span each, within that span's scope, and clears before the
// scope ends. The structure is allocated, not a stored property, because zlib keeps its address and
// refuses a stream that has moved; it lives until `deinit`.

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

/// What came of one call of zlib.
struct ZlibCall {
  /// `Z_OK`, `Z_STREAM_END`, …
  var result: Int32
  /// Bytes taken from the input.
  var consumed: Int
  /// Bytes put into the output.
  var produced: Int

  /// Points `stream` at `input` and `output` while `body` runs.
  ///
  /// - Throws: `invalidArgument` for more bytes than zlib takes at once, which is 2^32 − 1.
  fileprivate static func run(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: Span<UInt8>,
    _ output: inout MutableSpan<UInt8>, _ body: () -> Int32
  ) throws(CodecError) -> ZlibCall {
    guard let inputCount = UInt32(exactly: input.count),
      let outputCount = UInt32(exactly: output.count)
    else {
      throw CodecError(
        .invalidArgument, "\(input.count) and \(output.count) bytes are too many for zlib at once")
    }
    var call = ZlibCall(result: Z_BUF_ERROR, consumed: 0, produced: 0)
    unsafe input.withUnsafeBufferPointer { from in
      unsafe output.withUnsafeMutableBufferPointer { to in
        // For empty spans, which have no address that zlib would take.
        var standIn: UInt8 = 0
        unsafe withUnsafeMutablePointer(to: &standIn) { standIn in
          unsafe stream.pointee.next_in =
            from.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0) } ?? standIn
          unsafe stream.pointee.avail_in = inputCount
          unsafe stream.pointee.next_out = to.baseAddress ?? standIn
          unsafe stream.pointee.avail_out = outputCount
          call.result = body()
          call.consumed = unsafe Int(inputCount - stream.pointee.avail_in)
          call.produced = unsafe Int(outputCount - stream.pointee.avail_out)
          unsafe stream.pointee.next_in = nil
          unsafe stream.pointee.next_out = nil
        }
      }
    }
    return call
  }
}
