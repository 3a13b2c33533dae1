// One call of either of zlib's two stream machines. Unsafe code: the pointers of zlib's stream structure.
//
// Bounds: zlib reads at most `avail_in` bytes from `next_in` and writes at most `avail_out` bytes to
// `next_out`, which `run` sets from one span each, within that span's scope, and clears before the
// scope ends.

internal import CZlib

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
  static func run(
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
