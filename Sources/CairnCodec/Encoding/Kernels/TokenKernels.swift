// The loops over every token of a block: counting, and writing codes. FORMAT.md, section "Our encoder
// and decoder". Unsafe code: each function checks the lengths that make its accesses right, then runs
// unchecked.

/// The codes of one block, as the loops want them. An entry holds the number of bits in its lowest 8
/// bits, and above them the bits, the first lowest.
struct TokenCodes {
  /// For each byte, at most 15 bits.
  fileprivate var literals = [UInt32](repeating: 0, count: 256)
  /// For each length of a match, less the shortest, the code and the extra bits: at most 20 bits.
  fileprivate var lengths = [UInt32](repeating: 0, count: 256)
  /// For each symbol of a distance, at most 15 bits; a distance has 13 more.
  fileprivate var distances = [UInt32](repeating: 0, count: 32)

  /// Sets the codes of all symbols; no length may exceed 15.
  mutating func assign(
    literalCodes: [UInt16], literalLengths: [UInt8], distanceCodes: [UInt16],
    distanceLengths: [UInt8]
  ) {
    for byte in 0..<256 { literals[byte] = Self.entry(literalCodes[byte], literalLengths[byte]) }
    for (length, match) in MatchSymbols.lengths.enumerated() {
      let count = UInt32(literalLengths[match.symbol] & 15)
      let bits = UInt32(literalCodes[match.symbol]) | match.extra << count
      lengths[length] = bits << 8 | (count + UInt32(match.bitCount))
    }
    for symbol in 0..<MatchSymbols.distanceCount {
      distances[symbol] = Self.entry(distanceCodes[symbol], distanceLengths[symbol])
    }
  }

  private static func entry(_ code: UInt16, _ length: UInt8) -> UInt32 {
    UInt32(code) << 8 | UInt32(length & 15)
  }
}

enum TokenKernels {
  /// Counts the first `count` of `tokens`: bytes and lengths, the latter from place 256 on less the
  /// shortest, in the 512 `literals`; symbols of distances in the 32 `distances`.
  static func count(
    _ tokens: [Token], _ count: Int, literals: inout [UInt32], distances: inout [UInt32]
  ) {
    guard count <= tokens.count, literals.count >= 512, distances.count >= 32 else { return }
    // A byte and a length less 3 are masked to 8 bits; an offset has 15, its symbol is below 30.
    unsafe tokens.withUnsafeBufferPointer { tokens in
      unsafe literals.withUnsafeMutableBufferPointer { literals in
        unsafe distances.withUnsafeMutableBufferPointer { distances in
          for index in 0..<count {
            let token = unsafe tokens[index]
            if token.length == 0 {
              unsafe literals[token.literal] &+= 1
            } else {
              unsafe literals[256 | (token.length &- Token.shortest) & 0xFF] &+= 1
              unsafe distances[MatchSymbols.distanceSymbol(token.offset)] &+= 1
            }
          }
        }
      }
    }
  }

  /// The bytes after what `write` writes that it may overwrite.
  static let slack = 16

  /// Writes the codes of the first `count` of `tokens`, at most as many bits as `bitCount` says;
  /// `target` must have `slack` bytes more.
  ///
  /// - Returns: false if `target` has not; nothing is written then.
  static func write(
    _ tokens: [Token], count: Int, _ codes: borrowing TokenCodes, bitCount: Int,
    with writer: inout BitWriter, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    let room = target.count - writer.end
    guard writer.end >= 0, room >= slack, (bitCount + writer.pendingCount) / 8 <= room - slack,
      count <= tokens.count
    else { return false }
    // Tables are indexed as above. A round begins at a byte that the codes written so far reach or
    // just complete, and stores 8 bytes there; the codes have `bitCount` bits at most, so that it ends
    // within the slack; should they have more, a caller's mistake, `limit` stops the loop before that. Seven
    // bits held and a match of at most 48 fit into 64.
    let limit = writer.end + (bitCount + writer.pendingCount) / 8
    unsafe target.withUnsafeMutableBytes { target in
      unsafe tokens.withUnsafeBufferPointer { tokens in
        unsafe codes.literals.withUnsafeBufferPointer { literals in
          unsafe codes.lengths.withUnsafeBufferPointer { lengths in
            unsafe codes.distances.withUnsafeBufferPointer { distances in
              guard let to = target.baseAddress else { return }
              var place = BitPlace(of: writer)
              for index in 0..<count where place.end <= limit {
                let token = unsafe tokens[index]
                var (code, length): (UInt64, UInt64)
                if token.length == 0 {
                  let entry = unsafe UInt64(literals[token.literal])
                  (code, length) = (entry &>> 8, entry & 0x0F)
                } else {
                  let entry = unsafe UInt64(lengths[(token.length &- Token.shortest) & 0xFF])
                  (code, length) = (entry &>> 8, entry & 0x1F)
                  let symbol = MatchSymbols.distanceSymbol(token.offset)
                  let distance = unsafe UInt64(distances[symbol])
                  code |= (distance &>> 8) &<< length
                  length &+= distance & 0x0F
                  let extra = UInt64(max(0, symbol &>> 1 &- 1))
                  code |= (UInt64(token.offset) & (1 &<< extra &- 1)) &<< length
                  length &+= extra
                }
                unsafe place.put(code, length, to)
              }
              place.store(to: &writer)
            }
          }
        }
      }
    }
    return true
  }
}
