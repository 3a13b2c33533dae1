// Zlib streams that were changed: their check made right. RFC 1950, section 2.2.

import CFuzzing
import Forge

extension ContainerForge {
  /// The most bytes that a stream is decoded to here.
  static let largestStream = 1 << 20

  /// `stream` with a header that zlib takes and, if its DEFLATE data comes to an end, the Adler-32
  /// of what they give behind it, and nothing further.
  static func repairingStream(_ stream: [UInt8]) -> [UInt8] {
    guard stream.count >= 2 else { return stream }
    var stream = stream
    repairHeader(&stream)
    guard let (output, end) = inflated(stream) else { return stream }
    let sum = unsafe output.withUnsafeBufferPointer {
      unsafe cairn_adler32($0.baseAddress, $0.count)
    }
    stream.removeLast(stream.count - 2 - end)
    for byte in (0..<4).reversed() {
      stream.append(UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)))
    }
    return stream
  }

  /// What the DEFLATE data behind a stream's two bytes of header give, and where they end, counted
  /// from there; nil unless they come to an end.
  static func inflated(_ stream: [UInt8]) -> (bytes: [UInt8], end: Int)? {
    guard stream.count > 2 else { return nil }
    let data = Array(stream[2...])
    var output = [UInt8](repeating: 0, count: min(largestStream, stream.count * 1_032 + 64))
    var end = 0
    let count = unsafe data.withUnsafeBufferPointer { data in
      unsafe output.withUnsafeMutableBufferPointer { output in
        unsafe cairn_raw_inflate(
          data.baseAddress, data.count, output.baseAddress, output.count, &end)
      }
    }
    guard count >= 0 else { return nil }
    output.removeLast(output.count - count)
    return (output, end)
  }

  /// Method 8, a window of at most 32 KiB, no dictionary, a right FCHECK.
  private static func repairHeader(_ stream: inout [UInt8]) {
    if stream[0] & 0x0F != 8 || stream[0] >> 4 > 7 { stream[0] = 0x78 }
    stream[1] &= 0xC0
    let rest = (Int(stream[0]) << 8 | Int(stream[1])) % 31
    if rest != 0 { stream[1] += UInt8(31 - rest) }
  }

  /// An RFC 1950 stream of `bytes`.
  ///
  /// - Parameters:
  ///   - level: 0 to 9.
  ///   - strategy: 0 default, 1 filtered, 2 Huffman only, 3 run length, 4 fixed codes.
  ///   - windowBits: 9 to 15.
  ///   - flush: After how many bytes to flush, and how: zlib's number, 1 to 3 or 5.
  static func stream(
    of bytes: [UInt8], level: Int, strategy: Int, windowBits: Int,
    flush: (after: Int, how: Int)? = nil
  ) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: bytes.count + bytes.count / 8 + 128)
    let count = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe target.withUnsafeMutableBufferPointer { target in
        unsafe cairn_zlib_deflate(
          bytes.baseAddress, bytes.count, Int32(level), Int32(strategy), Int32(windowBits),
          flush?.after ?? bytes.count, Int32(flush?.how ?? 0), target.baseAddress, target.count)
      }
    }
    target.removeLast(target.count - count)
    return target
  }
}
