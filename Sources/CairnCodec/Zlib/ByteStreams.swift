// Raw DEFLATE data (RFC 1951) of any length, coded and decoded piece by piece: for archives of other
// formats. Unsafe code: zlib's stream structure and its pointers; the bounds are those that
// `Deflate.swift` argues for.

internal import CZlib

/// What one step of a stream has done.
public struct StreamStep: Hashable, Sendable {
  /// Bytes taken from the input.
  public var consumed: Int
  /// Bytes put into the output.
  public var produced: Int
  /// Whether the stream has ended.
  public var isFinished: Bool

  /// A step with the given parts.
  public init(consumed: Int, produced: Int, isFinished: Bool) {
    self.consumed = consumed
    self.produced = produced
    self.isFinished = isFinished
  }
}

/// A decoder of one raw DEFLATE stream.
@safe public struct InflateStream: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  /// At the stream's beginning.
  ///
  /// - Throws: `outOfMemory`.
  public init() throws(CodecError) {
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

  /// Decodes as much of `input` as fits into `output`. Neither has more than 2^30 bytes; a step that
  /// moves nothing needs more input or more room.
  ///
  /// - Throws: `corruptStream`, `outOfMemory`, `invalidArgument`.
  public mutating func step(
    _ input: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(CodecError) -> StreamStep {
    let (result, step) = unsafe try run(stream, input, &output) { stream in
      unsafe inflate(stream, Z_NO_FLUSH)
    }
    switch result {
    case Z_OK, Z_BUF_ERROR: return step
    case Z_STREAM_END:
      return StreamStep(consumed: step.consumed, produced: step.produced, isFinished: true)
    case Z_MEM_ERROR: throw CodecError(.outOfMemory, "zlib's decoder ran out of memory")
    default:
      let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      throw CodecError(.corruptStream, text ?? "invalid DEFLATE data", offset: step.consumed)
    }
  }
}

/// A coder of one raw DEFLATE stream.
@safe public struct DeflateStream: ~Copyable {
  private let stream: UnsafeMutablePointer<z_stream>

  /// At the stream's beginning.
  ///
  /// - Throws: `outOfMemory`.
  public init() throws(CodecError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
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

  /// Codes as much of `input` as fits into `output`; `isLast` says that nothing follows it.
  ///
  /// - Throws: `invalidArgument`.
  public mutating func step(
    _ input: Span<UInt8>, isLast: Bool, into output: inout MutableSpan<UInt8>
  ) throws(CodecError) -> StreamStep {
    let (result, step) = unsafe try run(stream, input, &output) { stream in
      unsafe deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
    }
    guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
      throw CodecError(.invalidArgument, "zlib's coder stopped (code \(result))")
    }
    return StreamStep(
      consumed: step.consumed, produced: step.produced, isFinished: result == Z_STREAM_END)
  }
}

/// One call of zlib on `input` and `output`.
private func run(
  _ stream: UnsafeMutablePointer<z_stream>, _ input: Span<UInt8>,
  _ output: inout MutableSpan<UInt8>, _ call: (UnsafeMutablePointer<z_stream>) -> Int32
) throws(CodecError) -> (Int32, StreamStep) {
  guard let inputCount = UInt32(exactly: input.count), inputCount <= 1 << 30,
    let outputCount = UInt32(exactly: output.count), outputCount <= 1 << 30
  else { throw CodecError(.invalidArgument, "too many bytes for one step of a stream") }
  var result = Z_BUF_ERROR
  var unread = inputCount
  var room = outputCount
  // SAFETY: zlib reads at most `avail_in` bytes from `next_in` and writes at most `avail_out` to
  // `next_out`; each is a span's own memory with its count, set here and cleared before it goes out of
  // scope. The stand-in is for empty spans, which have no address that zlib would take.
  unsafe input.withUnsafeBufferPointer { from in
    unsafe output.withUnsafeMutableBufferPointer { to in
      var standIn: UInt8 = 0
      unsafe withUnsafeMutablePointer(to: &standIn) { standIn in
        unsafe stream.pointee.next_in =
          from.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0) } ?? standIn
        unsafe stream.pointee.avail_in = inputCount
        unsafe stream.pointee.next_out = to.baseAddress ?? standIn
        unsafe stream.pointee.avail_out = outputCount
        result = unsafe call(stream)
        unread = unsafe stream.pointee.avail_in
        room = unsafe stream.pointee.avail_out
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
      }
    }
  }
  return (
    result,
    StreamStep(
      consumed: Int(inputCount - unread), produced: Int(outputCount - room), isFinished: false)
  )
}
