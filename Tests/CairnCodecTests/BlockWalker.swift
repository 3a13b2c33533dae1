// A small DEFLATE reader, written from RFC 1951 alone, that tells which blocks a stream consists of.
// It is the tests' second opinion: it shares no code with zlib or with Cairn.

/// The blocks of a zlib stream, and the bytes they give.
struct BlockWalker {
  enum Kind: Equatable { case stored, fixed, dynamic }

  struct Block: Equatable {
    var kind: Kind
    var isFinal: Bool
    var literals = 0
    var matches = 0
    /// Bytes that the block gives.
    var length = 0
  }

  enum Failure: Error { case outOfInput, badBlock, badCode, badLengths, badDistance }

  private(set) var blocks: [Block] = []
  private(set) var output: [UInt8] = []
  /// The positions of bits that mean nothing: the padding before a byte boundary.
  private(set) var paddingBits: [Int] = []
  private let input: [UInt8]
  private var bit = 16

  /// Reads all blocks of `stream`, a zlib stream; its header and trailer are not looked at.
  init(_ stream: [UInt8]) throws {
    input = stream
    while try readBlock() {}
    skipToByte()
  }

  /// The byte after the last block, where the Adler-32 stands.
  var end: Int { bit / 8 }

  private mutating func readBlock() throws -> Bool {
    let isFinal = try bits(1) == 1
    let start = output.count
    switch try bits(2) {
    case 0:
      skipToByte()
      let (length, complement) = (try bits(16), try bits(16))
      guard length ^ complement == 0xFFFF else { throw Failure.badBlock }
      for _ in 0..<length { output.append(UInt8(try bits(8))) }
      blocks.append(Block(kind: .stored, isFinal: isFinal))
    case 1:
      let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
      blocks.append(Block(kind: .fixed, isFinal: isFinal))
      try readSymbols(Codes(lengths), Codes([Int](repeating: 5, count: 30)))
    case 2:
      blocks.append(Block(kind: .dynamic, isFinal: isFinal))
      let (literals, distances) = try readCodes()
      try readSymbols(literals, distances)
    default: throw Failure.badBlock
    }
    blocks[blocks.count - 1].length = output.count - start
    return !isFinal
  }

  /// RFC 1951 section 3.2.7.
  private mutating func readCodes() throws -> (Codes, Codes) {
    let (literals, distances) = (try bits(5) + 257, try bits(5) + 1)
    var lengthLengths = [Int](repeating: 0, count: 19)
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    for i in 0..<(try bits(4) + 4) { lengthLengths[order[i]] = try bits(3) }
    let lengthCodes = Codes(lengthLengths)
    var lengths: [Int] = []
    while lengths.count < literals + distances {
      switch try symbol(lengthCodes) {
      case 16:
        guard let last = lengths.last else { throw Failure.badLengths }
        lengths += [Int](repeating: last, count: try bits(2) + 3)
      case 17: lengths += [Int](repeating: 0, count: try bits(3) + 3)
      case 18: lengths += [Int](repeating: 0, count: try bits(7) + 11)
      case let length: lengths.append(length)
      }
    }
    guard lengths.count == literals + distances else { throw Failure.badLengths }
    return (Codes(Array(lengths[..<literals])), Codes(Array(lengths[literals...])))
  }

  /// RFC 1951 section 3.2.5.
  private mutating func readSymbols(_ literals: Codes, _ distances: Codes) throws {
    while true {
      let value = try symbol(literals)
      if value == 256 { return }
      if value < 256 {
        output.append(UInt8(value))
        blocks[blocks.count - 1].literals += 1
        continue
      }
      guard value <= 285 else { throw Failure.badCode }
      let code = value - 257
      let extra = code < 8 || code == 28 ? 0 : code / 4 - 1
      let base = code < 8 ? code + 3 : code == 28 ? 258 : (4 + code % 4) << extra + 3
      let length = base + (try bits(extra))
      let distanceCode = try symbol(distances)
      guard distanceCode < 30 else { throw Failure.badCode }
      let distanceExtra = distanceCode < 4 ? 0 : distanceCode / 2 - 1
      let distanceBase =
        distanceCode < 4 ? distanceCode + 1 : (2 + distanceCode % 2) << distanceExtra + 1
      let distance = distanceBase + (try bits(distanceExtra))
      guard distance <= output.count else { throw Failure.badDistance }
      for _ in 0..<length { output.append(output[output.count - distance]) }
      blocks[blocks.count - 1].matches += 1
    }
  }

  private mutating func symbol(_ codes: Codes) throws -> Int {
    var (code, first, index) = (0, 0, 0)
    for length in 1...15 {
      code |= try bits(1)
      let count = codes.counts[length]
      if code - first < count { return codes.symbols[index + code - first] }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw Failure.badCode
  }

  private mutating func bits(_ count: Int) throws -> Int {
    guard bit + count <= input.count * 8 else { throw Failure.outOfInput }
    var value = 0
    for i in 0..<count { value |= Int(input[(bit + i) / 8] >> ((bit + i) % 8) & 1) << i }
    bit += count
    return value
  }

  private mutating func skipToByte() {
    while bit % 8 != 0 {
      paddingBits.append(bit)
      bit += 1
    }
  }

  /// Canonical codes, RFC 1951 section 3.2.2: how many of each length, and the symbols in order.
  private struct Codes {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) {
      for length in 1...15 {
        for (symbol, own) in lengths.enumerated() where own == length {
          counts[length] += 1
          symbols.append(symbol)
        }
      }
    }
  }
}
