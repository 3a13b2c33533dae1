// Raw DEFLATE data (RFC 1951) of any length, coded piece by piece: for archives of other formats.

internal import CZlib

/// A coder of one raw DEFLATE stream.
package struct DeflateStream: ~Copyable {
  private var machine: DeflateMachine

  /// At the stream's beginning.
  ///
  /// - Throws: `outOfMemory`.
  package init() throws(CodecError) { machine = try DeflateMachine() }

  /// Goes back to the beginning of a stream, which is much sooner done than making another coder.
  ///
  /// - Throws: `invalidArgument`.
  package mutating func reset() throws(CodecError) {
    guard machine.reset() else {
      throw CodecError(.invalidArgument, "zlib's coder could not begin anew")
    }
  }

  /// Codes as much of `input` as fits into `output`; `isLast` says that nothing follows it.
  ///
  /// - Throws: `invalidArgument`, for spans of 2^32 bytes and more too.
  package mutating func step(
    _ input: Span<UInt8>, isLast: Bool, into output: inout MutableSpan<UInt8>
  ) throws(CodecError) -> StreamStep {
    let call = try machine.run(input, into: &output, flush: isLast ? Z_FINISH : Z_NO_FLUSH)
    guard call.result == Z_OK || call.result == Z_STREAM_END || call.result == Z_BUF_ERROR else {
      throw CodecError(.invalidArgument, "zlib's coder stopped (code \(call.result))")
    }
    return StreamStep(call)
  }
}
