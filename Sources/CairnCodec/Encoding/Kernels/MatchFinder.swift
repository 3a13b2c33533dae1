// Where bytes have come before. FORMAT.md, section "Our encoder and decoder". Unsafe code: bounds are
// argued for below.

/// Makes tokens of a plane: runs only, or strings that come again.
struct MatchFinder {
  /// For each hash the last position of 4 bytes that have it, or -1.
  private var latest: [Int32] = []
  /// For each of the last positions the one before it of the same hash.
  private var earlier: [Int32] = []

  private static let hashBits = 15
  /// How many earlier positions are tried.
  private static let depth = 32
  /// A match as long as this is taken without a look at the next position.
  private static let longEnough = 16
  /// A match as long as this ends the search for a longer one.
  private static let nice = 64
  /// After 2^`patience` failed searches every second byte is skipped, after another 2^`patience`
  /// two of three, and so on until `stride` are between two searches.
  private static let patience = 5
  private static let stride = 7
  /// Shorter strings are not found.
  private static let shortestString = 4

  /// Forgets the plane before; to be called once for each plane whose strings are to be found.
  mutating func forget() {
    if earlier.isEmpty { earlier = [Int32](repeating: -1, count: Token.longestDistance) }
    latest.removeAll(keepingCapacity: true)
    latest.append(contentsOf: repeatElement(-1, count: 1 << Self.hashBits))
  }

  /// Makes tokens of the bytes of `plane` from the `start`-th on until `tokens` is full: literals, and
  /// matches at distance 1.
  ///
  /// - Returns: How many tokens, and where the bytes end that they stand for.
  func findRuns(
    in plane: Span<UInt8>, from start: Int, to tokens: inout [Token]
  ) -> (tokenCount: Int, end: Int) {
    guard start >= 0, start < plane.count else { return (0, start) }
    // Loads of a byte are at position < count, of eight where as many are left; the byte before a
    // position is there unless that is 0. Tokens are written below their number.
    return unsafe plane.withUnsafeBytes { plane in
      unsafe tokens.withUnsafeMutableBufferPointer { tokens in
        guard let from = plane.baseAddress else { return (0, start) }
        let (count, capacity) = (plane.count, tokens.count)
        var (position, made) = (start, 0)
        var previous =
          start > 0 ? unsafe Int(from.load(fromByteOffset: start - 1, as: UInt8.self)) : -1
        while position < count, made < capacity {
          let byte = unsafe from.load(fromByteOffset: position, as: UInt8.self)
          var (token, length) = (Token(literal: byte), 1)
          if Int(byte) == previous {
            let run = unsafe Self.runLength(
              from + position, of: byte, min(count &- position, Token.longest))
            if run >= Token.shortest { (token, length) = (Token(length: run, distance: 1), run) }
          }
          previous = Int(byte)
          unsafe tokens[made] = token
          made &+= 1
          position &+= length
        }
        return (made, position)
      }
    }
  }

  /// How many of the `most` bytes at `from`, the first, are equal to `byte`.
  @inline(__always)
  private static func runLength(_ from: UnsafeRawPointer, of byte: UInt8, _ most: Int) -> Int {
    let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
    var length = 0
    while most &- length >= 8 {
      let word = unsafe UInt64(littleEndian: (from + length).loadUnaligned(as: UInt64.self))
      if word != pattern { return length &+ (word ^ pattern).trailingZeroBitCount &>> 3 }
      length &+= 8
    }
    while length < most, unsafe from.load(fromByteOffset: length, as: UInt8.self) == byte {
      length &+= 1
    }
    return length
  }

  /// As ``findRuns(in:from:to:)``, with matches at any distance, found through chains of positions
  /// whose 4 bytes have the same hash. A match gives way to a longer one at the next position.
  ///
  /// All of the plane before `start` must have been given to this function since ``forget()``.
  mutating func findStrings(
    in plane: Span<UInt8>, from start: Int, to tokens: inout [Token]
  ) -> (tokenCount: Int, end: Int) {
    guard start >= 0, start < plane.count, plane.count <= Int32.max,
      latest.count == 1 << Self.hashBits, earlier.count == Token.longestDistance
    else { return (0, start) }
    return unsafe plane.withUnsafeBytes { plane in
      unsafe latest.withUnsafeMutableBufferPointer { latest in
        unsafe earlier.withUnsafeMutableBufferPointer { earlier in
          unsafe tokens.withUnsafeMutableBufferPointer { tokens in
            guard let from = plane.baseAddress, let latest = latest.baseAddress,
              let earlier = earlier.baseAddress
            else { return (0, start) }
            let chains = unsafe Chains(
              from: from, count: plane.count, latest: latest, earlier: earlier)
            let capacity = tokens.count
            var (position, made) = (start, 0)
            var next: Match?
            // Failed searches since the last match, and bytes still to be skipped because of them.
            var (misses, unsearched) = (0, 0)
            while position < plane.count, made < capacity {
              var match = Match(length: 0, distance: 0)
              if unsearched > 0 {
                unsafe chains.add(position..<position &+ 1)
                unsearched &-= 1
              } else {
                match = unsafe next ?? chains.find(position, longerThan: Self.shortestString - 1)
                misses = match.length == 0 ? misses &+ 1 : 0
                unsearched = min(misses &>> Self.patience, Self.stride)
              }
              next = nil
              if match.length >= Self.shortestString {
                if match.length < Self.longEnough {
                  let other = unsafe chains.find(position &+ 1, longerThan: match.length)
                  if other.length > match.length {
                    // The byte here becomes a literal.
                    next = other
                    match.length = 0
                  }
                } else {
                  unsafe chains.add(position &+ 1..<position &+ 2)
                }
              }
              if match.length >= Self.shortestString {
                unsafe tokens[made] = Token(length: match.length, distance: match.distance)
                unsafe chains.add(position &+ 2..<position &+ match.length)
                position &+= match.length
              } else {
                unsafe tokens[made] = Token(
                  literal: from.load(fromByteOffset: position, as: UInt8.self))
                position &+= 1
              }
              made &+= 1
            }
            return (made, position)
          }
        }
      }
    }
  }

  private struct Match {
    var length: Int
    var distance: Int
  }

  /// The tables while a block is looked through.
  ///
  /// Bounds: a hash has `hashBits` bits, a position is masked to the 2^15 places of `earlier`. What the
  /// tables hold is used only if it is a position before the one at hand, and near enough. Four bytes
  /// are loaded where as many are left of the plane; two strings are compared as far as the later one
  /// reaches.
  @unsafe private struct Chains {
    let from: UnsafeRawPointer
    let count: Int
    let latest: UnsafeMutablePointer<Int32>
    let earlier: UnsafeMutablePointer<Int32>

    /// The longest match at `position` if it is longer than `least`, else one of no length; adds the
    /// position.
    @inline(__always)
    func find(_ position: Int, longerThan least: Int) -> Match {
      let most = unsafe min(count &- position, Token.longest)
      var best = Match(length: 0, distance: 0)
      guard most >= MatchFinder.shortestString else { return best }
      let string = unsafe word(position)
      var candidate = unsafe Int(replaceLatest(position, string))
      guard least < most else { return best }
      var longest = least
      var left = MatchFinder.depth
      while candidate >= 0, candidate < position, position &- candidate <= Token.longestDistance,
        left > 0
      {
        if unsafe word(candidate) == string,
          unsafe byte(candidate &+ longest) == byte(position &+ longest)
        {
          let length = unsafe commonLength(candidate, position, most)
          if length > longest {
            (longest, best) = (length, Match(length: length, distance: position &- candidate))
            if length >= MatchFinder.nice || length == most { break }
          }
        }
        let before = unsafe Int(earlier[candidate & (Token.longestDistance &- 1)])
        guard before < candidate else { break }
        candidate = before
        left &-= 1
      }
      return best
    }

    /// Adds positions, as far as 4 bytes are left there.
    @inline(__always)
    func add(_ positions: Range<Int>) {
      var position = positions.lowerBound
      let end = unsafe min(positions.upperBound, count &- (MatchFinder.shortestString &- 1))
      while position < end {
        _ = unsafe replaceLatest(position, word(position))
        position &+= 1
      }
    }

    /// Makes `position` the latest of its hash, if it isn't; returns the one before it.
    @inline(__always)
    private func replaceLatest(_ position: Int, _ string: UInt32) -> Int32 {
      let hash = Int((string &* 0x9E37_79B1) &>> UInt32(32 - MatchFinder.hashBits))
      let before = unsafe latest[hash]
      if Int(before) == position {
        return unsafe earlier[position & (Token.longestDistance &- 1)]
      }
      unsafe earlier[position & (Token.longestDistance &- 1)] = before
      unsafe latest[hash] = Int32(truncatingIfNeeded: position)
      return before
    }

    @inline(__always)
    private func word(_ position: Int) -> UInt32 {
      unsafe UInt32(littleEndian: (from + position).loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    private func byte(_ position: Int) -> UInt8 {
      unsafe from.load(fromByteOffset: position, as: UInt8.self)
    }

    /// How many of `most` bytes are equal at two positions.
    @inline(__always)
    private func commonLength(_ first: Int, _ second: Int, _ most: Int) -> Int {
      var length = 0
      while most &- length >= 8 {
        let a = unsafe (from + first + length).loadUnaligned(as: UInt64.self)
        let b = unsafe (from + second + length).loadUnaligned(as: UInt64.self)
        let difference = UInt64(littleEndian: a ^ b)
        if difference != 0 { return length &+ difference.trailingZeroBitCount &>> 3 }
        length &+= 8
      }
      while length < most, unsafe byte(first &+ length) == byte(second &+ length) { length &+= 1 }
      return length
    }
  }
}
