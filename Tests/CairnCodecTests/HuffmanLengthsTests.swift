// Code lengths against the optimum found in another way. FORMAT.md, section "Our encoder and
// decoder".

import CairnTestSupport
import Testing

@testable import CairnCodec

@Suite("Huffman code lengths")
struct HuffmanLengthsTests {
  /// The cost of the best prefix code with no length above `limit`, by the coin collector's
  /// problem: each symbol offers a coin of its weight at each level, pairs go up a level, and the
  /// cheapest 2m - 2 of the top level are bought (L. Larmore and D. Hirschberg, 1990).
  private func optimum(_ weights: [Int], limit: Int) -> Int {
    var packages: [Int] = []
    for _ in 0..<limit {
      let merged = (weights + packages).sorted()
      packages = stride(from: 0, to: merged.count - 1, by: 2).map { merged[$0] + merged[$0 + 1] }
    }
    // What was bought at the last level was pairs of the one before: m - 1 of them.
    return packages.prefix(weights.count - 1).reduce(0, +)
  }

  private func check(_ counts: [UInt32], limit: Int) {
    var huffman = HuffmanLengths()
    var lengths = [UInt8](repeating: 99, count: counts.count)
    huffman.assign(counts: counts, limit: limit, to: &lengths)
    var (kraft, cost) = (0, 0)
    for (count, length) in zip(counts, lengths) {
      #expect((count == 0) == (length == 0))
      #expect(length <= limit)
      if length > 0 { kraft += 1 << (limit - Int(length)) }
      cost += Int(count) * Int(length)
    }
    #expect(kraft == 1 << limit, "the code is not complete")
    #expect(cost == optimum(counts.filter { $0 != 0 }.map { Int($0) }, limit: limit))
  }

  @Test("Lengths are the best there are", arguments: [5, 7, 12, 15])
  func optimal(limit: Int) {
    var random = SeededNumbers(3)
    for symbols in [2, 3, 4, 5, 17, 31, 32] {
      check([UInt32](repeating: 7, count: symbols), limit: limit)
      for shift in [1, 8, 20, 32] as [UInt64] {
        // From nearly equal counts to such as differ by orders of magnitude.
        let counts = (0..<symbols).map { _ in
          UInt32(truncatingIfNeeded: random.next() >> (32 + random.next() % shift)) >> 10 + 1
        }
        check(counts, limit: limit)
      }
    }
  }

  @Test("Lengths are limited where the best code would be deeper", arguments: [8, 10, 12])
  func fibonacci(limit: Int) {
    var counts: [UInt32] = [1, 1]
    while counts.count < 30 { counts.append(counts[counts.count - 1] + counts[counts.count - 2]) }
    check(counts, limit: limit)
    check(counts.reversed(), limit: limit)
  }

  @Test("A lower limit is kept where it costs next to nothing")
  func preferred() {
    var huffman = HuffmanLengths()
    var lengths = [UInt8](repeating: 0, count: 14)
    // Halving counts: the best codes have 1, 2 … 13, 13 bits. Limited to 12 they cost a bit more.
    let halving = (0..<14).map { UInt32(1) << UInt32(13 - $0) }
    huffman.assign(counts: halving, preferred: 11, limit: 13, to: &lengths)
    #expect(lengths.max() == 11)
    // Eight frequent symbols and six rare ones: four bits at most cost an eighth more.
    let even = (0..<14).map { UInt32($0 < 8 ? 1000 : 100) }
    huffman.assign(counts: even, preferred: 4, limit: 13, to: &lengths)
    check(even, limit: 13)
    #expect(lengths.max() ?? 0 > 4)
  }

  @Test("Shortened codes are complete, and cost next to nothing more", arguments: [9, 11])
  func shortened(preferred: Int) {
    var random = SeededNumbers(8)
    var huffman = HuffmanLengths()
    for symbols in [40, 100, 256] {
      for shift in 1..<UInt64(24) {
        let counts = (0..<symbols).map { _ in
          UInt32(truncatingIfNeeded: random.next() >> (40 + random.next() % shift)) >> 4 + 1
        }
        var lengths = [UInt8](repeating: 99, count: symbols)
        huffman.assign(counts: counts, preferred: preferred, limit: 12, to: &lengths)
        #expect(lengths.reduce(0) { $0 + 1 << (12 - Int($1)) } == 1 << 12)
        let cost = zip(counts, lengths).reduce(0) { $0 + Int($1.0) * Int($1.1) }
        let weights = counts.map { Int($0) }
        let free = optimum(weights, limit: 40)
        #expect(cost <= free + free / 1024 || cost == optimum(weights, limit: 12))
      }
    }
  }

  @Test("Symbols that do not occur get no code")
  func absent() {
    var counts = [UInt32](repeating: 0, count: 257)
    counts[13] = 5
    counts[256] = 1
    check(counts, limit: 12)
    counts[255] = 1 << 24
    check(counts, limit: 12)
  }
}
