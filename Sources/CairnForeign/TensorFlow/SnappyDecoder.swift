// Snappy's block format (google/snappy, format_description.txt), for the blocks of an index.

import CairnSystem

/// Decodes blocks.
enum SnappyDecoder {
  /// The number of bytes that `input` says it decodes to; nil if it does not say.
  static func byteCount(of input: [UInt8]) -> Int? {
    var length = 0
    for (place, byte) in input.prefix(5).enumerated() {
      length |= Int(byte & 0x7F) << (7 * place)
      if byte < 0x80 { return length }
    }
    return nil
  }

  /// The bytes that `input` decodes to, at most `limit`; nil if it is not a valid block.
  static func decode(_ input: [UInt8], limit: Int) -> [UInt8]? {
    var place = 0
    var length = 0
    for shift in stride(from: 0, to: 35, by: 7) {
      guard place < input.count else { return nil }
      let byte = input[place]
      place += 1
      length |= Int(byte & 0x7F) << shift
      if byte < 0x80 { break }
      guard shift < 28 else { return nil }
    }
    // An element of three bytes gives at most 64, so no more is allocated than the input can fill.
    guard length <= limit, length / 64 <= input.count else { return nil }
    var output: [UInt8] = []
    output.reserveCapacity(length)
    /// The next `count` bytes as a little-endian number.
    func number(_ count: Int) -> Int? {
      guard count <= input.count - place else { return nil }
      defer { place += count }
      return Int(truncatingIfNeeded: input.span.number(at: place, width: count))
    }
    while place < input.count {
      let tag = Int(input[place])
      place += 1
      if tag & 3 == 0 {
        var count = tag >> 2 + 1
        if count > 60 {
          guard let more = number(count - 60) else { return nil }
          count = more + 1
        }
        guard count <= input.count - place, count <= length - output.count else { return nil }
        output += input[place..<place + count]
        place += count
        continue
      }
      let count = tag & 3 == 1 ? (tag >> 2 & 7) + 4 : tag >> 2 + 1
      guard var offset = number(tag & 3 == 1 ? 1 : tag & 3 == 2 ? 2 : 4) else { return nil }
      if tag & 3 == 1 { offset |= (tag >> 5) << 8 }
      guard offset > 0, offset <= output.count, count <= length - output.count else { return nil }
      for _ in 0..<count { output.append(output[output.count - offset]) }
    }
    return output.count == length ? output : nil
  }
}
