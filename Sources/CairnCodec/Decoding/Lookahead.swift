// Decoding the second part of a plane while the first is decoded.
// FORMAT.md, section "Our encoder and decoder".

/// A stream in what looks like the second part of a plane (see `DeflateBlocks`).
///
/// Where it begins is a guess, so nothing that it reads counts before the first part has led there.
/// It goes no further than literals do.
struct Lookahead {
  private enum State { case none, running, halted }

  var stream = BlockStream()
  /// Where the part begins.
  private(set) var start = LiteralCursor(bit: 0, out: 0)
  /// Where the plane ends.
  private(set) var end = 0
  private var state = State.none

  /// Whether it is within a block of literals.
  var isRunning: Bool { state == .running }
  /// Whether something was decoded ahead that may still be used.
  var isWaiting: Bool { state != .none }

  /// Gives up what was decoded ahead.
  mutating func forget() { state = .none }

  /// Begins in the second part of `plane`, whose first begins at byte `byte` of `stored`, if there
  /// is a sign of one.
  mutating func look(
    _ stored: Span<UInt8>, from byte: Int, plane: Range<Int>, to target: inout MutableSpan<UInt8>
  ) {
    state = .none
    let partLength = DeflateBlocks.partLength(for: plane.count)
    guard partLength < plane.count,
      let place = LiteralDecoding.endOfEmptyBlock(stored, from: byte)
    else { return }
    start = LiteralCursor(bit: 8 * place, out: plane.lowerBound + partLength)
    end = plane.upperBound
    stream.start(atByte: place, out: start.out)
    open(stored, to: &target)
  }

  /// Reads what the quick loop has stopped at.
  mutating func readOn(_ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>) {
    guard isRunning, stream.needsSymbol(stored, end: end) else { return }
    if !readSymbol(stored, to: &target), !stream.isInBlock { open(stored, to: &target) }
  }

  /// Reads a literal; false if there is none, or if it can't go on in this block.
  private mutating func readSymbol(
    _ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    let before = stream.cursor
    switch stream.readSymbol(stored, end: end, to: &target) {
    case .goesOn: return true
    case .endOfBlock: break
    case .match, .invalid: stream.cursor = before
    }
    state = .halted
    return false
  }

  /// Whether `main` stands between blocks where the part begins.
  func isReached(by main: borrowing BlockStream) -> Bool {
    isWaiting && !main.isFinal && !main.isInBlock && main.cursor == start
  }

  /// Puts what it has read in the place of `main`.
  mutating func takeOver(_ main: inout BlockStream) {
    swap(&main, &stream)
    state = .none
  }

  /// Opens the next block if it is coded and not beyond the plane, and reads its first literals.
  private mutating func open(_ stored: Span<UInt8>, to target: inout MutableSpan<UInt8>) {
    state = .halted
    guard !stream.isFinal, stream.cursor.out < end else { return }
    let before = stream.cursor
    guard case .coded = stream.open(stored) else {
      stream.stand(at: before)
      return
    }
    for _ in 0..<FastInflate.fewSymbols where !readSymbol(stored, to: &target) { return }
    stream.makeTable()
    state = .running
  }
}
