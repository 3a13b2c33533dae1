// Optimal code lengths for a histogram, no length above a limit. FORMAT.md, section "Our encoder
// and decoder".

/// Computes the lengths of Huffman codes; keeps its buffers from one histogram to the next.
struct HuffmanLengths {
  /// Occurrences in the upper bits, the symbol in the lower 9: sorting is by both.
  private var keys: [UInt64] = []
  /// Weights, then links to parents, then depths (see `depths`).
  private var nodes: [Int] = []
  /// The levels of package-merge: for each item of a level, the leaves up to and including it.
  private var leavesUpTo: [[UInt16]] = []

  /// Sets `lengths[s]` to the length of symbol `s`, 0 if it does not occur, for each of `counts`.
  ///
  /// The sum of occurrences times lengths is the smallest of any prefix code with no length above
  /// `limit`. Two symbols at least must occur, and at most 2^`limit`. Ties go to the lower symbol.
  ///
  /// - Parameter preferred: A lower limit, for speed: lengths that are no longer, or else no longer
  ///   than `limit`, are taken although they are not the best ones if they make the sum no more than
  ///   a 1,024th larger than that of codes without a limit.
  ///
  /// Complexity: O(*m* log *m*) for *m* symbols that occur, O(*m* × `limit`) if the limit is felt.
  mutating func assign(
    counts: [UInt32], preferred: Int? = nil, limit: Int, to lengths: inout [UInt8]
  ) {
    keys.removeAll(keepingCapacity: true)
    for symbol in counts.indices {
      lengths[symbol] = 0
      let count = counts[symbol]
      if count != 0 { keys.append(UInt64(count) << 9 | UInt64(symbol)) }
    }
    keys.sort()
    findDepths()
    if nodes[0] > preferred ?? limit, !(preferred.map { shorten(to: [$0, limit]) } ?? false) {
      mergePackages(limit)
    }
    for (index, key) in keys.enumerated() {
      lengths[Int(key & 0x1FF)] = UInt8(truncatingIfNeeded: nodes[index])
    }
  }

  /// Limits the depths in `nodes` to the first of `limits` for which that costs next to nothing;
  /// returns false, and leaves them, if there is none.
  private mutating func shorten(to limits: [Int]) -> Bool {
    let free = cost
    let depths = nodes
    for limit in limits {
      if keys.count <= 1 << limit, clamp(to: limit), cost - free <= free / 1024 { return true }
      nodes = depths
    }
    return false
  }

  /// Cuts codes longer than `limit` to that length, and makes as many shorter ones longer as are
  /// needed to make room for them: the longest first.
  ///
  /// - Returns: false if there are not enough.
  private mutating func clamp(to limit: Int) -> Bool {
    // How much of the code space the codes take, in units of a code of `limit` bits.
    var taken = 0
    for index in nodes.indices.prefix(keys.count) {
      nodes[index] = min(nodes[index], limit)
      taken += 1 << (limit - nodes[index])
    }
    // The rarest come first, and have the longest codes.
    var index = 0
    while taken > 1 << limit {
      while index < keys.count, nodes[index] == limit { index += 1 }
      guard index < keys.count else { return false }
      nodes[index] += 1
      taken -= 1 << (limit - nodes[index])
    }
    // Some may have become longer than they need.
    while index >= 0, taken < 1 << limit {
      if index < keys.count, nodes[index] > 1, taken + 1 << (limit - nodes[index]) <= 1 << limit {
        taken += 1 << (limit - nodes[index])
        nodes[index] -= 1
      } else {
        index -= 1
      }
    }
    return taken == 1 << limit
  }

  /// The sum of occurrences times depths.
  private var cost: Int {
    var sum = 0
    for (index, key) in keys.enumerated() { sum += nodes[index] * Int(key >> 9) }
    return sum
  }

  /// Sets `nodes` to the unlimited depths of the symbols in `keys`, the deepest first.
  ///
  /// A. Moffat and J. Katajainen, "In-place calculation of minimum-redundancy codes" (1995): the
  /// array holds weights, which become sums of inner nodes, their parents, their depths, and in the
  /// end the depths of the leaves.
  private mutating func findDepths() {
    let count = keys.count
    nodes.removeAll(keepingCapacity: true)
    for key in keys { nodes.append(Int(truncatingIfNeeded: key >> 9)) }
    var (root, leaf) = (0, 0)
    for next in 0..<count - 1 {
      var sum = 0
      for _ in 0..<2 {
        if leaf >= count || (root < next && nodes[root] < nodes[leaf]) {
          sum += nodes[root]
          nodes[root] = next
          root += 1
        } else {
          sum += nodes[leaf]
          leaf += 1
        }
      }
      nodes[next] = sum
    }
    nodes[count - 2] = 0
    for next in stride(from: count - 3, through: 0, by: -1) { nodes[next] = nodes[nodes[next]] + 1 }
    // Inner nodes by depth, from the root down; what is left of a level's places is leaves.
    var (places, depth, inner, next) = (1, 0, count - 2, count - 1)
    while places > 0 {
      var used = 0
      while inner >= 0, nodes[inner] == depth {
        used += 1
        inner -= 1
      }
      for _ in used..<places {
        nodes[next] = depth
        next -= 1
      }
      places = 2 * used
      depth += 1
    }
  }

  /// Sets `nodes` to the depths of the symbols in `keys` with none above `limit`.
  ///
  /// L. Larmore and D. Hirschberg, "A fast algorithm for optimal length-limited Huffman codes"
  /// (1990): each level merges the leaves with the pairs of the level below, by weight; of the last
  /// level the first 2*m* − 2 items count, of one below twice the pairs among those of the one
  /// above. A symbol is as deep as the levels at which its leaf counts.
  private mutating func mergePackages(_ limit: Int) {
    let count = keys.count
    while leavesUpTo.count < limit { leavesUpTo.append([]) }
    var pairs: [UInt64] = []
    for level in 0..<limit {
      var merged: [UInt64] = []
      merged.reserveCapacity(2 * count)
      leavesUpTo[level].removeAll(keepingCapacity: true)
      var (leaf, pair) = (0, 0)
      while merged.count < 2 * count - 2, leaf < count || pair < pairs.count {
        if pair >= pairs.count || (leaf < count && keys[leaf] >> 9 <= pairs[pair]) {
          merged.append(keys[leaf] >> 9)
          leaf += 1
        } else {
          merged.append(pairs[pair])
          pair += 1
        }
        leavesUpTo[level].append(UInt16(truncatingIfNeeded: leaf))
      }
      pairs.removeAll(keepingCapacity: true)
      for first in stride(from: 0, to: merged.count - 1, by: 2) {
        pairs.append(merged[first] + merged[first + 1])
      }
    }
    for index in 0..<count { nodes[index] = 0 }
    var items = 2 * count - 2
    for level in stride(from: limit - 1, through: 0, by: -1) where items > 0 {
      let leaves = Int(leavesUpTo[level][items - 1])
      for index in 0..<leaves { nodes[index] += 1 }
      items = 2 * (items - leaves)
    }
  }
}
