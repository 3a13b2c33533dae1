// How a dynamic block describes its codes: RFC 1951 section 3.2.7.

/// The description of a block's codes: run-lengths of the code lengths, in a Huffman code
/// themselves.
///
/// A single distance code without bits says that the data is all literals; where one is used, it has
/// one bit, and the other code of a bit stays unused (RFC 1951 section 3.2.7 has both).
struct CodeDescription {
  /// The items that describe the lengths: a symbol from 0 to 18 and, above bit 8, its extra bits.
  private var items: [UInt16] = []
  private var counts = [UInt32](repeating: 0, count: 19)
  private var lengths = [UInt8](repeating: 0, count: 19)
  private var codes = [UInt16](repeating: 0, count: 19)
  private var lengthCount = 4
  private var symbolCount = 257
  private var distanceCount = 1
  /// The bits that the whole description takes, the block's three first bits left out.
  private(set) var bitCount = 0

  /// Describes codes.
  ///
  /// - Parameters:
  ///   - codeLengths: Their lengths; two at least are not zero.
  ///   - symbolCount: How many of them count: from 257, the bytes and the end of block, to 286.
  ///   - distanceLengths: The lengths of the distance codes: 1 to 30.
  mutating func describe(
    _ codeLengths: [UInt8], symbolCount: Int, distanceLengths: ArraySlice<UInt8>,
    with huffman: inout HuffmanLengths
  ) {
    self.symbolCount = symbolCount
    distanceCount = distanceLengths.count
    items.removeAll(keepingCapacity: true)
    for symbol in counts.indices { counts[symbol] = 0 }
    add(codeLengths[..<symbolCount])
    add(distanceLengths)
    huffman.assign(counts: counts, limit: 7, to: &lengths)
    CanonicalCodes.assign(lengths: lengths, to: &codes)
    lengthCount = 19
    while lengthCount > 4, lengths[Int(DeflateBlocks.codeLengthOrder[lengthCount - 1])] == 0 {
      lengthCount -= 1
    }
    bitCount = 14 + 3 * lengthCount
    for item in items {
      let symbol = Int(item & 0xFF)
      bitCount += Int(lengths[symbol]) + Self.extraBits(symbol)
    }
  }

  /// Writes the description.
  func write(with writer: inout BitWriter, to target: inout MutableSpan<UInt8>) {
    writer.put(UInt32(symbolCount - 257), 5, to: &target)
    writer.put(UInt32(distanceCount - 1), 5, to: &target)
    writer.put(UInt32(lengthCount - 4), 4, to: &target)
    for index in 0..<lengthCount {
      writer.put(UInt32(lengths[Int(DeflateBlocks.codeLengthOrder[index])]), 3, to: &target)
    }
    for item in items {
      let symbol = Int(item & 0xFF)
      writer.put(UInt32(codes[symbol]), Int(lengths[symbol]), to: &target)
      writer.put(UInt32(item >> 8), Self.extraBits(symbol), to: &target)
    }
  }

  private static func extraBits(_ symbol: Int) -> Int {
    switch symbol {
    case 16: 2
    case 17: 3
    case 18: 7
    default: 0
    }
  }

  private mutating func add(_ lengths: ArraySlice<UInt8>) {
    var start = lengths.startIndex
    while start < lengths.endIndex {
      let length = lengths[start]
      var end = start + 1
      while end < lengths.endIndex, lengths[end] == length { end += 1 }
      addRun(of: length, end - start)
      start = end
    }
  }

  private mutating func add(_ symbol: Int, extra: Int = 0) {
    items.append(UInt16(symbol | extra << 8))
    counts[symbol] += 1
  }

  /// Adds `count` times `length`, as few items as there can be.
  private mutating func addRun(of length: UInt8, _ count: Int) {
    var left = count
    if length == 0 {
      while left >= 11 {
        let taken = min(left, 138)
        add(18, extra: taken - 11)
        left -= taken
      }
      if left >= 3 {
        add(17, extra: left - 3)
        left = 0
      }
    } else {
      add(Int(length))
      left -= 1
      while left >= 3 {
        // Seven are 4 and 3, not 6 and a single one.
        let taken = left == 7 ? 4 : min(left, 6)
        add(16, extra: taken - 3)
        left -= taken
      }
    }
    for _ in 0..<left { add(Int(length)) }
  }
}

/// Canonical Huffman codes: RFC 1951 section 3.2.2.
enum CanonicalCodes {
  /// Sets `codes[s]` to the code of symbol `s`, its first bit lowest, as it is written.
  static func assign(lengths: [UInt8], to codes: inout [UInt16]) {
    var counts = (0..<17).map { _ in 0 }
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var next = (0..<17).map { _ in 0 }
    for length in 1...16 { next[length] = (next[length - 1] + counts[length - 1]) << 1 }
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let code = UInt16(truncatingIfNeeded: next[Int(length)])
      next[Int(length)] += 1
      codes[symbol] = code.bitsReversed >> UInt16(16 - length)
    }
  }
}
