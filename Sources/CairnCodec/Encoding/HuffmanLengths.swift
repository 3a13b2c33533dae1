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
  /// - Parameter preferred: A lower limit, which is kept if it makes the sum no more than a 1,024th
  ///   larger than that of codes without a limit.
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
    let lower = preferred ?? limit
    if nodes[0] > lower {
      let free = cost
      mergePackages(lower)
      if lower < limit, cost - free > free / 1024 { mergePackages(limit) }
    }
    for (index, key) in keys.enumerated() {
      lengths[Int(key & 0x1FF)] = UInt8(truncatingIfNeeded: nodes[index])
    }
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
