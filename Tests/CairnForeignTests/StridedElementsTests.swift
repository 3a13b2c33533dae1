// Views by dimensions and strides that a file may say.

import CairnSystem
import Testing

@testable import CairnForeign

@Suite struct StridedElementsTests {
  @Test(arguments: [
    // (dimensions, strides, the elements of 0 … 7 that the view has)
    ([1, 2, 1, 1], [Int.max, 2, Int.max / 2 + 1, Int.max], [0, 2]),
    ([2, 1], [3, Int.max], [0, 3]), ([1], [Int.max], [0]), ([2, 2], [1, 2], [0, 2, 1, 3]),
    ([2, 2], [4, 0], [0, 0, 4, 4]), ([1, 1], [0, 0], [0]), ([0, 3], [Int.max, 1], []),
  ])
  func `A stride that is never taken may be any number`(
    dimensions: [Int], strides: [Int], expected: [UInt8]
  ) throws {
    for width in [1, 4] {
      let base = try HeldElements(
        (0..<UInt8(8)).flatMap { [UInt8](repeating: $0, count: width) })
      let view = try StridedElements(
        base, width: width, dimensions: dimensions, strides: strides, viewed: ViewedBytes(), key: 0)
      #expect(view.count == expected.count * width)
      var bytes = [UInt8](repeating: 0xFF, count: view.count)
      var span = bytes.mutableSpan
      try view.read(from: 0, into: &span)
      #expect(bytes == expected.flatMap { [UInt8](repeating: $0, count: width) })
    }
  }
}
