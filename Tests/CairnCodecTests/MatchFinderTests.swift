// The tokens of planes: RFC 1951 sections 2 and 3.2.5, expanded by a loop of its own.

import Testing

@testable import CairnCodec

@Suite struct MatchFinderTests {
  /// What the tokens of `bytes` stand for, and the matches among them; blocks are of `capacity`.
  private func expand(
    _ bytes: [UInt8], strings: Bool, capacity: Int
  ) -> (bytes: [UInt8], matches: [(length: Int, distance: Int)]) {
    var finder = MatchFinder()
    finder.forget()
    var tokens = [Token](repeating: Token(literal: 0), count: capacity)
    var (result, matches): ([UInt8], [(length: Int, distance: Int)]) = ([], [])
    var start = 0
    while start < bytes.count {
      let (count, end) =
        strings
        ? finder.findStrings(in: bytes.span, from: start, to: &tokens)
        : finder.findRuns(in: bytes.span, from: start, to: &tokens)
      #expect(count > 0 && count <= capacity)
      for token in tokens[..<count] {
        guard token.length > 0 else {
          result.append(UInt8(token.literal))
          continue
        }
        let distance = Int(token.offset) + 1
        #expect((3...258).contains(token.length) && (1...32_768).contains(distance))
        #expect(distance <= result.count)
        matches.append((token.length, distance))
        for _ in 0..<token.length where distance <= result.count {
          result.append(result[result.count - distance])
        }
      }
      #expect(result.count == end)
      start = max(end, start + 1)
    }
    return (result, matches)
  }

  @Test(arguments: SampleData.allCases, [1, 7, 16_384])
  func `Tokens stand for the plane that they were made of`(data: SampleData, capacity: Int) {
    for count in [1, 2, 3, 4, 5, 9, 300, 5_000] {
      let bytes = data.bytes(count)
      for strings in [false, true] {
        let expanded = expand(bytes, strings: strings, capacity: capacity)
        #expect(expanded.bytes == bytes)
        #expect(strings || expanded.matches.allSatisfy { $0.distance == 1 })
      }
    }
  }

  @Test func `A run is one literal and matches of 258`() {
    let bytes = [UInt8](repeating: 9, count: 1 + 258 * 3 + 3)
    for strings in [false, true] {
      let matches = expand(bytes, strings: strings, capacity: 100).matches
      #expect(matches.map(\.length) == [258, 258, 258, 3] || strings)
      #expect(matches.reduce(0) { $0 + $1.length } >= bytes.count - 4)
    }
  }

  @Test(arguments: [(32_767, true), (32_768, true), (32_769, false)])
  func `Strings are found as far back as a distance reaches`(period: Int, isFound: Bool) {
    let noise = SampleData.noise.bytes(period)
    let expanded = expand(noise + noise, strings: true, capacity: 16_384)
    #expect(expanded.bytes == noise + noise)
    let found = expanded.matches.filter { $0.distance == period }.reduce(0) { $0 + $1.length }
    // What noise does not repay is searched at every eighth byte only.
    #expect(isFound ? found > period - 300 : found == 0)
  }

  @Test func `A match gives way to a longer one at the next byte`() {
    let bytes = Array("abcde....bcdefghij....abcdefghij".utf8)
    let matches = expand(bytes, strings: true, capacity: 100).matches
    #expect(matches.last.map { $0.length } == 9)
  }

  /// RFC 1951 section 3.2.5, the table of distance codes: the first distance of each.
  @Test func `Distances have the symbols of the standard`() {
    let first = [
      1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1_025, 1_537,
      2_049, 3_073, 4_097, 6_145, 8_193, 12_289, 16_385, 24_577,
    ]
    let extra = [
      0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
      13,
    ]
    for (symbol, distance) in first.enumerated() {
      #expect(MatchSymbols.distanceSymbol(UInt32(distance - 1)) == symbol)
      if symbol > 0 { #expect(MatchSymbols.distanceSymbol(UInt32(distance - 2)) == symbol - 1) }
      #expect(MatchSymbols.extraBitCount(distanceSymbol: symbol) == extra[symbol])
    }
    #expect(MatchSymbols.distanceSymbol(32_767) == 29)
  }

  /// RFC 1951 section 3.2.5, the table of length codes: the first length of each.
  @Test func `Lengths have the symbols of the standard`() {
    let first = [
      3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
      163, 195, 227, 258,
    ]
    #expect(MatchSymbols.lengths.count == 256)
    for (index, length) in first.enumerated() {
      let entry = MatchSymbols.lengths[length - 3]
      #expect(entry.symbol == 257 + index)
      #expect(entry.extra == 0)
    }
    let last = MatchSymbols.lengths[257 - 3]
    #expect(last.symbol == 284 && last.extra == 30 && last.bitCount == 5)
  }
}
