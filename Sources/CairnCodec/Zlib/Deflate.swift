// zlib's coder and decoder for the planes of chunks: raw DEFLATE data (RFC 1951), each one call a
// piece. FORMAT.md, section "Chunks and planes".

internal import CZlib

/// How a plane is coded; every mode gives DEFLATE data that any decoder reads.
enum PlaneCoding: Equatable, Sendable {
  /// Stored blocks.
  case stored
  /// A literal and matches of it; for planes of one and the same byte.
  case constant
  /// Literals in Huffman codes, no matches.
  case huffman
  /// Huffman codes, and matches at distance 1 only.
  case runLength
  /// Huffman codes and matches, zlib's default strategy at level 6.
  case matches

  fileprivate var zlibStrategy: Int32 {
    switch self {
    case .stored, .huffman: Z_HUFFMAN_ONLY
    case .constant, .runLength: Z_RLE
    case .matches: Z_DEFAULT_STRATEGY
    }
  }
}

/// A coder of raw DEFLATE segments that do not refer to one another.
struct DeflateCoder: ~Copyable {
  private var machine: DeflateMachine

  init() throws(CodecError) { machine = try DeflateMachine() }

  /// The most bytes that `code` writes for `count` bytes.
  func bound(for count: Int) -> Int {
    // Slack for the empty block that a flush appends, and for zlibs whose bound leaves it out.
    machine.bound(for: count) + 64
  }

  /// Codes `bytes` to the start of `target`, which must have `bound(for:)` bytes.
  ///
  /// The segment depends on nothing but `bytes`, `coding` and `isLast`. It ends at a byte boundary:
  /// as the end of the DEFLATE data if `isLast`, else with an empty stored block (Z_SYNC_FLUSH).
  ///
  /// - Returns: The number of bytes written.
  mutating func code(
    _ bytes: Span<UInt8>, as coding: PlaneCoding, isLast: Bool,
    into target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Int {
    guard bytes.count > 0 else {
      throw CodecError(.invalidArgument, "a plane of no bytes can't be coded")
    }
    let code = machine.reset(strategy: coding.zlibStrategy)
    guard code == Z_OK else {
      throw CodecError(.invalidArgument, "zlib's coder could not be reset (code \(code))")
    }
    let call = try machine.run(bytes, into: &target, flush: isLast ? Z_FINISH : Z_SYNC_FLUSH)
    // A flush is complete only if room is left (zlib.h, deflate); Z_BUF_ERROR is a failure too.
    guard call.result == (isLast ? Z_STREAM_END : Z_OK), call.consumed == bytes.count,
      isLast || call.produced < target.count
    else {
      throw CodecError(.invalidArgument, "zlib's coder stopped early (code \(call.result))")
    }
    return call.produced
  }
}

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
