// Decoding the streams of chunks, literals several at a time. FORMAT.md, section "Our encoder and
// decoder".

/// Bytes that a stored block holds and that were left where they are.
struct StoredRun {
  /// Where they belong in what is decoded.
  var out: Int
  var count: Int
  /// Where they are in the input.
  var source: Int
}

/// An inflate that is fast on literals and stored blocks, and takes matches as they come.
///
/// It refuses whatever zlib refuses, without giving a reason: to know why, ask zlib.
struct FastInflate {
  /// The shortest stored block that is left where it is.
  private static let shortestRun = 1024
  /// After a match, the symbols to read one by one: where matches are many, that is quicker.
  private static let patience = 4
  /// At the beginning of a block, the symbols to read one by one before a table is made.
  static let fewSymbols = 128

  private var main = BlockStream()
  private var ahead = Lookahead()
  /// The last place at which a second part was looked for.
  private var looked = -1
  /// What was left in the input, in the order of what is decoded.
  private(set) var runs: [StoredRun] = []

  /// Decodes the DEFLATE data that begins at byte `start` of `stored`, filling `target` exactly.
  ///
  /// - Parameters:
  ///   - planeLength: The length of the planes, at whose beginning a second part is looked for.
  ///   - leavesRuns: Whether long stored blocks are not copied to `target` but listed in `runs`.
  /// - Returns: The offset in `stored` after the DEFLATE data, or `nil` if that is not valid or
  ///   gives another number of bytes.
  mutating func decode(
    _ stored: Span<UInt8>, from start: Int, planeLength: Int, leavesRuns: Bool,
    into target: inout MutableSpan<UInt8>
  ) -> Int? {
    runs.removeAll(keepingCapacity: true)
    ahead.forget()
    looked = -1
    // What zlib's inflate takes in one call; no chunk stores more.
    guard stored.count < 1 << 32 else { return nil }
    main.start(atByte: start, out: 0)
    repeat {
      let out = main.cursor.out
      guard let opening = main.open(stored) else { return nil }
      switch opening {
      case .stored(let count, let source):
        guard count <= target.count - out else { return nil }
        main.cursor.out += count
        if leavesRuns, count >= Self.shortestRun {
          runs.append(StoredRun(out: out, count: count, source: source))
        } else {
          let bytes = stored.extracting(source..<source + count)
          guard ByteCopies.copied(bytes, to: &target, at: out) else { return nil }
        }
        if ahead.isWaiting, main.cursor.out > ahead.start.out { ahead.forget() }
      case .coded:
        if out < target.count, out.isMultiple(of: planeLength), out > looked {
          looked = out
          let plane = out..<min(out + planeLength, target.count)
          ahead.look(stored, from: main.cursor.bit / 8, plane: plane, to: &target)
        }
        guard readBlock(stored, to: &target) else { return nil }
      }
      if ahead.isReached(by: main) {
        // What was read ahead of its turn counts from here on.
        ahead.takeOver(&main)
        if main.isInBlock, !readBlock(stored, to: &target) { return nil }
      }
    } while !main.isFinal
    return main.cursor.out == target.count ? (main.cursor.bit + 7) / 8 : nil
  }

  /// Lists no more runs.
  mutating func forgetRuns() { runs.removeAll(keepingCapacity: true) }

  /// Reads on to the end of the block that `main` is in.
  private mutating func readBlock(
    _ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    if !main.hasTable {
      guard readSymbols(Self.fewSymbols, stored, to: &target) else { return false }
      if main.isInBlock { main.makeTable() }
    }
    while main.isInBlock {
      // `main` stays away from what was decoded ahead, until that turns out not to be part of the
      // plane.
      if ahead.isRunning {
        LiteralDecoding.decode(
          stored, main.table, &main.cursor, end: ahead.start.out,
          ahead.stream.table, &ahead.stream.cursor, otherEnd: ahead.end, to: &target)
        ahead.readOn(stored, to: &target)
      } else {
        LiteralDecoding.decode(
          stored, main.table, &main.cursor, end: ahead.isWaiting ? ahead.start.out : target.count,
          to: &target)
      }
      if ahead.isRunning, !main.needsSymbol(stored, end: ahead.start.out) { continue }
      guard readSymbols(1, stored, to: &target) else { return false }
    }
    return true
  }

  /// Reads `count` literals, or some more symbols where there are matches.
  private mutating func readSymbols(
    _ count: Int, _ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    var left = count
    defer { if ahead.isWaiting, main.cursor.out > ahead.start.out { ahead.forget() } }
    while left > 0, main.isInBlock {
      switch main.readSymbol(stored, end: target.count, to: &target) {
      case .goesOn: left -= 1
      case .endOfBlock: break
      case .match(let length, let distance):
        guard copyMatch(length, distance, stored, to: &target) else { return false }
        left = max(left, Self.patience)
      case .invalid: return false
      }
    }
    return true
  }

  private mutating func copyMatch(
    _ length: Int, _ distance: Int, _ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    let out = main.cursor.out
    guard distance <= out, length <= target.count - out else { return false }
    if let last = runs.last, out - distance < last.out + last.count {
      // It may repeat what was left in the input.
      for run in runs {
        let bytes = stored.extracting(run.source..<run.source + run.count)
        guard ByteCopies.copied(bytes, to: &target, at: run.out) else { return false }
      }
      runs.removeAll(keepingCapacity: true)
    }
    main.cursor.out += length
    return ByteCopies.repeated(length, from: out - distance, to: &target, at: out)
  }
}
