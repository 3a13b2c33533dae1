// Which of the legal states are looked at: all, where they can be counted out; else all that are
// one step from an orderly disk, and many at random.

extension CrashPoint {
  /// How many parts of writes are under way.
  package var pieceCount: Int { pieces.count }

  /// Calls `body` with every legal state.
  ///
  /// - Complexity: O(2 to the number of parts and changes under way).
  package func forEachState(_ body: (CrashState) throws -> Void) rethrows {
    for length in lengths {
      // Parts behind the end cannot be seen, so whether they arrived makes no state of its own.
      let visible = pieces.filter { $0.offset < length }
      for mask in 0..<1 << visible.count {
        let kept = visible.indices.filter { mask >> $0 & 1 == 1 }.map { visible[$0] }
        try forEachNaming(bytes(keeping: kept, length: length), body)
      }
    }
  }

  /// Calls `body` with every legal state in which of each write nothing arrived, all of it, or its
  /// front up to any sector; with the full length, which a file with a commit record must have.
  ///
  /// - Complexity: O(3 to the number of writes) for writes of two sectors.
  package func forEachTornState(_ body: (CrashState) throws -> Void) rethrows {
    let names = names(changing: -1)
    func extend(_ kept: [Piece], _ rest: ArraySlice<Range<Int>>) throws {
      guard let write = rest.first else {
        return try body(state(names, bytes(keeping: kept, length: lengths.last ?? 0)))
      }
      for end in write.lowerBound...write.upperBound {
        try extend(kept + pieces[write.lowerBound..<end], rest.dropFirst())
      }
    }
    try extend([], writes[...])
  }

  /// Calls `body` with every legal state whose file under way is one step from an orderly disk:
  ///
  /// - every prefix of the parts, and of the writes;
  /// - every single part and every single write dropped;
  /// - every single write torn at each sector, the front or the back of it arrived;
  /// - every single write arrived before any number of those before it.
  ///
  /// Each with the length that the parts give it, and with the full length.
  package func forEachSingleFault(_ body: (CrashState) throws -> Void) rethrows {
    let full = lengths.last ?? 0
    func look(_ kept: [Piece]) throws {
      let natural = max(lengths[0], kept.map(\.end).max() ?? 0)
      for length in Set([natural, full]).sorted() {
        try forEachNaming(bytes(keeping: kept, length: length), body)
      }
    }
    for index in 0...pieces.count { try look(Array(pieces[..<index])) }
    for index in pieces.indices {
      try look(Array(pieces[..<index] + pieces[(index + 1)...]))
    }
    let writes = writes
    for (number, write) in writes.enumerated() {
      try look(Array(pieces[..<write.lowerBound] + pieces[write.upperBound...]))
      for cut in write {
        // Its front alone, its back alone, with all other writes arrived.
        try look(Array(pieces[..<cut] + pieces[write.upperBound...]))
        try look(Array(pieces[..<write.lowerBound] + pieces[cut...]))
      }
      for earlier in writes[..<number] {
        try look(Array(pieces[..<earlier.lowerBound] + pieces[write]))
      }
    }
  }

  /// The parts of each write.
  private var writes: [Range<Int>] {
    let starts = pieces.indices.filter { $0 == 0 || pieces[$0].write != pieces[$0 - 1].write }
    return zip(starts, starts.dropFirst() + [pieces.count]).map { $0..<$1 }
  }

  /// Calls `body` with `count` legal states drawn with `random`.
  package func forRandomStates(
    _ count: Int, _ random: inout SeededNumbers, _ body: (CrashState) throws -> Void
  ) rethrows {
    let lengths = lengths
    for _ in 0..<count {
      // From almost nothing arrived to almost everything.
      let share = Double.random(in: 0...1, using: &random)
      let kept = pieces.filter { _ in Double.random(in: 0..<1, using: &random) < share }
      // Half the time the whole length: nothing else can have a commit record at its end.
      let length =
        Bool.random(using: &random) ? lengths.last : lengths.randomElement(using: &random)
      let names = names(changing: Int.random(in: 0..<1 << changes.count, using: &random))
      try body(state(names, bytes(keeping: kept, length: length ?? 0)))
    }
  }

  private func forEachNaming(
    _ bytes: [UInt8], _ body: (CrashState) throws -> Void
  ) rethrows {
    for mask in 0..<1 << changes.count { try body(state(names(changing: mask), bytes)) }
  }
}
