// Blocks of memory.

import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct StorageTests {
  @Test(arguments: [
    0, 1, 63, 64, 4_095, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (5 << 20) - 1, 5 << 20,
    (6 << 20) - 1, (6 << 20) + 4_097,
  ])
  func `a block is aligned, zero where it was to be, and writable to its last byte`(
    _ count: Int
  ) throws {
    let block = try Storage(byteCount: count, zeroed: true)
    #expect(block.byteCount == count)
    #expect(
      block.address % UInt(count >= Storage.hugePageThreshold ? Storage.hugePageByteCount : 64) == 0
    )
    let isZero = block.withBytes(in: 0..<count) { bytes in
      var seen: UInt8 = 0
      for index in bytes.indices { seen |= bytes[index] }
      return seen == 0
    }
    #expect(isZero)
    block.withMutableBytes(in: 0..<count) { bytes in
      if count > 0 {
        bytes[0] = 1
        bytes[count - 1] = 2
      }
    }
    let last = block.withBytes(in: max(0, count - 1)..<count) { $0.array }
    #expect(last == (count > 0 ? [2] : []))
  }

  @Test(arguments: [Int.max, Int.max - (2 << 20), 1 << 62, 1 << 47])
  func `more memory than there can be is an error`(_ count: Int) {
    #expect(code { _ = try Storage(byteCount: count, zeroed: false) } == .outOfMemory)
  }

  @Test func `a negative size is an error`() {
    #expect(code { _ = try Storage(byteCount: -1, zeroed: false) } == .invalidArgument)
    #expect(code { _ = try Storage(byteCount: .min, zeroed: false) } == .invalidArgument)
  }

  /// The bytes of address space that the process has mapped.
  private func mappedBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = try #require(text.split(separator: " ").first)
    return try #require(Int(pages)) * 4_096
  }

  @Test func `large blocks are given back whole, with the margins around them`() throws {
    let before = try mappedBytes()
    // Those of odd mebibytes end within the second half of a huge page.
    for count in 0..<200 {
      _ = try Storage(byteCount: (8 + count % 2) << 20 + count * 1_000, zeroed: false)
    }
    // 200 blocks are over 1.6 GB; other tests of the process map some memory meanwhile.
    #expect(try mappedBytes() - before < 800 << 20)
  }

  @Test func `memory budgets have a machine to go by`() {
    #expect(activeProcessorCount() >= 1)
    #expect(physicalMemory() > 1 << 27)
  }
}
