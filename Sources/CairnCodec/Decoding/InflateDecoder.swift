// zlib's decoder for the planes of chunks: raw DEFLATE data (RFC 1951), in one call. FORMAT.md, section
// "Chunks and planes".

internal import CZlib

/// A decoder of raw DEFLATE data.
struct InflateDecoder: ~Copyable {
  private var machine: InflateMachine

  init() throws(CodecError) { machine = try InflateMachine() }

  /// Decodes the DEFLATE data that begins at `start` of `stored`, filling `target` exactly.
  ///
  /// - Returns: The offset in `stored` after the DEFLATE data.
  /// - Throws: `corruptStream`, `streamTooShort`, `wrongLength`, `outOfMemory`.
  mutating func decode(
    _ stored: Span<UInt8>, from start: Int, into target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Int {
    guard start >= 0, start <= stored.count else {
      throw CodecError(.invalidArgument, "a stream can't begin at byte \(start) of \(stored.count)")
    }
    guard machine.reset() else {
      throw CodecError(.invalidArgument, "zlib's decoder could not be reset")
    }
    let whole = try machine.run(stored.extracting(start...), into: &target, flush: Z_FINISH)
    var (result, end) = (whole.result, start + whole.consumed)
    if result == Z_BUF_ERROR, whole.produced == target.count {
      // The byte after the target: what tells a stream with too much output from one that was cut
      // off just where the output is complete.
      var spill: [UInt8] = [0]
      var room = spill.mutableSpan
      let more = try machine.run(stored.extracting(end...), into: &room, flush: Z_FINISH)
      result = more.result
      end += more.consumed
      guard more.produced == 0 else {
        throw CodecError(
          .wrongLength, "the stream gives more than \(target.count) bytes", offset: end)
      }
    }
    switch result {
    case Z_STREAM_END: break
    case Z_BUF_ERROR, Z_OK:
      throw CodecError(.streamTooShort, "the stored bytes end within the stream", offset: end)
    default: throw machine.failure(result, at: end)
    }
    guard whole.produced == target.count else {
      throw CodecError(
        .wrongLength, "the stream gives \(whole.produced) bytes, not \(target.count)",
        offset: end)
    }
    return end
  }
}
