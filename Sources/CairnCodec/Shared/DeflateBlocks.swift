// What coder and decoder of planes agree on. RFC 1951; FORMAT.md, section "Our encoder and decoder".

enum DeflateBlocks {
  /// The order in which the lengths of the code length code are transmitted (RFC 1951 section 3.2.7).
  static let codeLengthOrder: [UInt8] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  /// The bits of the codes that our decoder looks up at once, and our coder keeps to where it costs
  /// little: five look-ups fit into the 57 bits of a load.
  static let lookUpBits = 11

  /// The parts that a longer plane is written as. Each but the first begins at a byte boundary,
  /// after an empty stored block, and has its own codes, so that a decoder that finds the place can
  /// decode both at once.
  private static let partCount = 2
  /// The shortest plane that is written in parts.
  private static let shortestParted = 1 << 15

  /// The length of each part that a plane of `count` bytes is written as; the last may be shorter.
  static func partLength(for count: Int) -> Int {
    count < shortestParted ? max(count, 1) : (count + partCount - 1) / partCount
  }
}
