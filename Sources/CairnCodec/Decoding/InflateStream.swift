// Raw DEFLATE data (RFC 1951) of any length, decoded piece by piece: for archives of other formats.

internal import CZlib

/// A decoder of one raw DEFLATE stream.
package struct InflateStream: ~Copyable {
  private var machine: InflateMachine

  /// At the stream's beginning.
  ///
  /// - Throws: `outOfMemory`.
  package init() throws(CodecError) { machine = try InflateMachine() }

  /// Decodes as much of `input` as fits into `output`; a step that moves nothing needs more input
  /// or more room.
  ///
  /// - Throws: `corruptStream`, `outOfMemory`; `invalidArgument` for spans of 2^32 bytes and more.
  package mutating func step(
    _ input: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(CodecError) -> StreamStep {
    let call = try machine.run(input, into: &output, flush: Z_NO_FLUSH)
    switch call.result {
    case Z_OK, Z_BUF_ERROR, Z_STREAM_END: return StreamStep(call)
    default: throw machine.failure(call.result, at: call.consumed)
    }
  }
}
