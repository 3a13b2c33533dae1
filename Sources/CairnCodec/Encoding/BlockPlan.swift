// Where a literal plane's blocks begin and end. FORMAT.md, section "Our encoder and decoder".

/// The blocks of a plane, chosen by what they cost.
///
/// A plane is counted in units. Neighbours become one block as long as the codes they would share
/// cost less than a further description does, best pair first.
struct BlockPlan {
  /// Symbols counted at once.
  static let unit = 8192
  /// Units that can become one block: one part of the stream (see `LiteralCoder`).
  static let largestGroup = 32

  /// A block, or a candidate for one.
  struct Block {
    /// Its bytes in the plane.
    var range: Range<Int>
    /// Where its histogram begins in `counts`.
    var histogram: Int
    /// An estimate of the bits it costs.
    var cost: Int
    /// What merging it with the next block saves; not positive if it saves nothing.
    var gain = 0
  }

  /// The blocks in the order of the plane.
  private(set) var blocks: [Block] = []
  /// The histograms of all units; a merged block has the sum in its first unit's place.
  private(set) var counts: [UInt32] = []
  /// How many bytes would equal the byte before them if each unit's were drawn independently.
  private(set) var repeatsByChance = 0
  /// The blocks of the group at hand, the occurrences of each symbol in it, and the symbols that
  /// occur.
  private var group: [Block] = []
  private var present = [UInt32](repeating: 0, count: 256)
  private var symbols: [Int] = []
  private let logarithms = FixedPoint()

  /// Plans the blocks of `plane`, none of which reaches across a multiple of `partLength`.
  mutating func plan(_ plane: Span<UInt8>, partLength: Int) {
    blocks.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    repeatsByChance = 0
    var start = 0
    while start < plane.count {
      let partEnd = min(plane.count, (start / partLength + 1) * partLength)
      let end = min(partEnd, start + Self.unit * Self.largestGroup)
      planGroup(plane, start..<end)
      start = end
    }
  }

  private mutating func planGroup(_ plane: Span<UInt8>, _ range: Range<Int>) {
    group.removeAll(keepingCapacity: true)
    for symbol in 0..<256 { present[symbol] = 0 }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.unit) {
      let unit = start..<min(start + Self.unit, range.upperBound)
      let histogram = counts.count
      counts.append(contentsOf: repeatElement(0, count: 256))
      PlaneKernels.addHistogram(of: plane.extracting(unit), to: &counts, at: histogram)
      var squares: UInt64 = 0
      for symbol in 0..<256 {
        let occurrences = counts[histogram + symbol]
        present[symbol] += occurrences
        squares += UInt64(occurrences) * UInt64(occurrences)
      }
      repeatsByChance += Int(squares / UInt64(unit.count))
      group.append(Block(range: unit, histogram: histogram, cost: 0))
    }
    symbols.removeAll(keepingCapacity: true)
    for symbol in 0..<256 where present[symbol] != 0 { symbols.append(symbol) }
    for index in group.indices {
      group[index].cost = cost(of: group[index].histogram, nil, group[index].range.count)
    }
    for index in group.indices.dropLast() {
      group[index].gain = gain(group[index], group[index + 1])
    }
    while let best = bestPair { merge(best) }
    blocks.append(contentsOf: group)
  }

  /// The first of the two neighbours that gain most by being one block, if any gain.
  private var bestPair: Int? {
    var best: (index: Int, gain: Int)?
    for index in 0..<max(group.count - 1, 0) where group[index].gain > best?.gain ?? 0 {
      best = (index, group[index].gain)
    }
    return best?.index
  }

  /// Makes one block of the `index`-th of the group and the next.
  private mutating func merge(_ index: Int) {
    let (first, second) = (group[index], group[index + 1])
    for symbol in symbols {
      counts[first.histogram + symbol] += counts[second.histogram + symbol]
    }
    group[index] = Block(
      range: first.range.lowerBound..<second.range.upperBound, histogram: first.histogram,
      cost: first.cost + second.cost - first.gain)
    group.remove(at: index + 1)
    if index + 1 < group.count { group[index].gain = gain(group[index], group[index + 1]) }
    if index > 0 { group[index - 1].gain = gain(group[index - 1], group[index]) }
  }

  private func gain(_ first: Block, _ second: Block) -> Int {
    first.cost + second.cost
      - cost(of: first.histogram, second.histogram, first.range.count + second.range.count)
  }

  /// An estimate of the bits that a block costs whose histogram is that at `first` plus, if there
  /// is one, that at `second`: its order-0 entropy and its description, or itself as it is.
  private func cost(of first: Int, _ second: Int?, _ count: Int) -> Int {
    var distinct = 0
    var inner: UInt64 = 0
    for symbol in symbols {
      var occurrences = counts[first + symbol]
      if let second { occurrences += counts[second + symbol] }
      if occurrences != 0 { distinct += 1 }
      inner += logarithms.timesLog2(occurrences)
    }
    let entropy = Int((logarithms.timesLog2(UInt32(count)) - inner) >> FixedPoint.fractionBits)
    let coded = entropy + 110 + 3 * distinct
    return Self.isWorthCoding(bitCount: coded, count: count) ? coded : 8 * count + 40
  }

  /// Whether a block of `count` bytes is worth a decoder's time if its codes take `bitCount` bits:
  /// a 64th must be saved.
  static func isWorthCoding(bitCount: Int, count: Int) -> Bool {
    bitCount < 8 * count - count / 8
  }
}
