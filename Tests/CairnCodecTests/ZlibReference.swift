// zlib itself, called directly: the second opinion on sizes, on what is valid, and on what it
// gives.

import CZlib

enum ZlibReference {
  struct Settings: Sendable {
    var level: Int32 = 6
    var memoryLevel: Int32 = 8
    var strategy: Int32 = Z_DEFAULT_STRATEGY
    /// Positions of the content at which to flush, ascending, and how.
    var flushes: [(at: Int, how: Int32)] = []
  }

  /// `content` as a zlib stream.
  static func compress(_ content: [UInt8], _ settings: Settings) -> [UInt8] {
    // Allocated because zlib keeps the address and refuses a stream that has moved.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    defer { unsafe stream.deallocate() }
    guard
      unsafe cairn_deflateInit2(
        stream, settings.level, 15, settings.memoryLevel, settings.strategy) == Z_OK
    else { return [] }
    defer { unsafe deflateEnd(stream) }
    let room = content.count + content.count / 8 + 1024 + 64 * settings.flushes.count
    var output = [UInt8](repeating: 0, count: room)
    var input = content + [0]
    var end = 0
    unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = UInt32(room)
        var start = 0
        for (position, how) in settings.flushes + [(content.count, Z_FINISH)] {
          unsafe stream.pointee.next_in = input.baseAddress.map { unsafe $0 + start }
          unsafe stream.pointee.avail_in = UInt32(position - start)
          _ = unsafe deflate(stream, how)
          start = position
        }
        end = room - Int(unsafe stream.pointee.avail_out)
      }
    }
    return Array(output[..<end])
  }

  /// What zlib makes of raw DEFLATE data: whether it ends as it should after at most `capacity`
  /// bytes, what it gives, and how many bytes of `data` it takes.
  static func inflate(
    _ data: [UInt8], capacity: Int
  ) -> (isValid: Bool, output: [UInt8], consumed: Int) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    defer { unsafe stream.deallocate() }
    guard unsafe cairn_inflateInit2(stream, -15) == Z_OK else { return (false, [], 0) }
    defer { unsafe inflateEnd(stream) }
    let room = capacity + 1
    var output = [UInt8](repeating: 0, count: room)
    var input = data + [0]
    var code = Z_OK
    unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        unsafe stream.pointee.next_in = input.baseAddress
        unsafe stream.pointee.avail_in = UInt32(data.count)
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = UInt32(room)
        code = unsafe CZlib.inflate(stream, Z_FINISH)
      }
    }
    let given = room - Int(unsafe stream.pointee.avail_out)
    return (
      code == Z_STREAM_END && given <= capacity, Array(output[..<min(given, capacity)]),
      data.count - Int(unsafe stream.pointee.avail_in)
    )
  }
}
