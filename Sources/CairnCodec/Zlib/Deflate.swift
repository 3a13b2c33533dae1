// zlib's coder and decoder for raw DEFLATE data (RFC 1951), each one call a piece.
// FORMAT.md, section "Chunks and planes". Unsafe code: zlib's stream structure and its pointers.
//
// Bounds, for both types: zlib reads at most `avail_in` bytes from `next_in` and writes at most
// `avail_out` bytes to `next_out`, which are set from one span each, within that span's scope, and
// cleared before the scope ends. The structure is allocated, not a stored property, because zlib
// keeps its address and refuses a stream that has moved.

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
@safe struct DeflateCoder: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  init() throws(CodecError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // Window 2^15 without zlib's header, memory level 8: Huffman blocks of 16 Ki symbols, which
    // follow a plane's changing statistics best.
    let code = unsafe cairn_deflateInit2(stream, 6, -15, 8, Z_DEFAULT_STRATEGY)
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

  /// The most bytes that `code` writes for `count` bytes.
  mutating func bound(for count: Int) -> Int {
    // Slack for the empty block that a flush appends, and for zlibs whose bound leaves it out.
    Int(unsafe deflateBound(stream, UInt(count))) + 64
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
    guard bytes.count > 0, let inputCount = UInt32(exactly: bytes.count),
      let outputCount = UInt32(exactly: target.count)
    else { throw CodecError(.invalidArgument, "a plane of \(bytes.count) bytes can't be coded") }
    let stream = unsafe self.stream
    var result = unsafe deflateReset(stream)
    if result == Z_OK { result = unsafe deflateParams(stream, 6, coding.zlibStrategy) }
    guard result == Z_OK else {
      throw CodecError(.invalidArgument, "zlib's coder could not be reset (code \(result))")
    }
    unsafe bytes.withUnsafeBufferPointer { input in
      unsafe target.withUnsafeMutableBufferPointer { output in
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.pointee.avail_in = inputCount
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = outputCount
        result = unsafe deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
      }
    }
    let (unread, room) = unsafe (stream.pointee.avail_in, stream.pointee.avail_out)
    // A flush is complete only if room is left (zlib.h, deflate); Z_BUF_ERROR is a failure too.
    guard result == (isLast ? Z_STREAM_END : Z_OK), unread == 0, isLast || room > 0 else {
      throw CodecError(.invalidArgument, "zlib's coder stopped early (code \(result))")
    }
    return target.count - Int(room)
  }
}

/// A decoder of raw DEFLATE data.
@safe struct InflateDecoder: ~Copyable {
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

  /// Decodes the DEFLATE data that begins at `start` of `stored`, filling `target` exactly.
  ///
  /// - Returns: The offset in `stored` after the DEFLATE data.
  /// - Throws: `corruptStream`, `streamTooShort`, `wrongLength`, `outOfMemory`.
  mutating func decode(
    _ stored: Span<UInt8>, from start: Int, into target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Int {
    guard start >= 0, start <= stored.count,
      let inputCount = UInt32(exactly: stored.count - start),
      let outputCount = UInt32(exactly: target.count)
    else {
      throw CodecError(.invalidArgument, "\(stored.count) stored bytes are too many for a chunk")
    }
    let stream = unsafe self.stream
    guard unsafe inflateReset(stream) == Z_OK else {
      throw CodecError(.invalidArgument, "zlib's decoder could not be reset")
    }
    var result = Z_BUF_ERROR
    var room: UInt32 = 0
    var spilled = false
    unsafe stored.withUnsafeBufferPointer { input in
      unsafe target.withUnsafeMutableBufferPointer { output in
        guard let from = input.baseAddress else { return }
        // The byte after the target: what tells a stream with too much output from one that was
        // cut off just where the output is complete. It also stands in for an empty target, which
        // has no address that zlib would take.
        var spill: UInt8 = 0
        unsafe withUnsafeMutablePointer(to: &spill) { spill in
          unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: from + start)
          unsafe stream.pointee.avail_in = inputCount
          unsafe stream.pointee.next_out = output.baseAddress ?? spill
          unsafe stream.pointee.avail_out = outputCount
          result = unsafe inflate(stream, Z_FINISH)
          room = unsafe stream.pointee.avail_out
          if result == Z_BUF_ERROR, room == 0 {
            unsafe stream.pointee.next_out = spill
            unsafe stream.pointee.avail_out = 1
            result = unsafe inflate(stream, Z_FINISH)
            spilled = unsafe stream.pointee.avail_out == 0
          }
          unsafe stream.pointee.next_in = nil
          unsafe stream.pointee.next_out = nil
        }
      }
    }
    let end = stored.count - Int(unsafe stream.pointee.avail_in)
    guard !spilled else {
      throw CodecError(
        .wrongLength, "the stream gives more than \(target.count) bytes", offset: end)
    }
    switch result {
    case Z_STREAM_END: break
    case Z_MEM_ERROR: throw CodecError(.outOfMemory, "zlib's decoder ran out of memory")
    case Z_BUF_ERROR, Z_OK:
      throw CodecError(.streamTooShort, "the stored bytes end within the stream", offset: end)
    default:
      let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      throw CodecError(.corruptStream, text ?? "invalid DEFLATE data", offset: end)
    }
    guard room == 0 else {
      throw CodecError(
        .wrongLength, "the stream gives \(target.count - Int(room)) bytes, not \(target.count)",
        offset: end)
    }
    return end
  }
}
