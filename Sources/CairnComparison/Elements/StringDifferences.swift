// Comparing tensors of strings, whose bytes may lie at other places on either side.

import CairnSystem
import CairnTensors

/// Finds the strings that differ between two tensors with the same number of strings.
///
/// The end offsets are read in windows. A run of strings of equal lengths is compared as one; if it
/// differs, its halves are: O(bytes) where nothing differs, O(bytes × log strings) at worst.
struct StringDifferences {
  private let left: TensorBytes
  private let right: TensorBytes
  private let elementCount: Int
  private(set) var first: Int?
  private(set) var count = 0

  private static let offsetsAWindow = 32_768

  /// Compares all strings.
  ///
  /// - Throws: `invalidElement` if end offsets do not ascend or go beyond the bytes; what reading
  ///   throws.
  init(_ left: TensorBytes, _ right: TensorBytes, elementCount: Int) throws(CairnError) {
    self.left = left
    self.right = right
    self.elementCount = elementCount
    var ends = (left: 0, right: 0)
    var index = 0
    while index < elementCount {
      let window = index..<min(index + Self.offsetsAWindow, elementCount)
      let a = try [ends.left] + offsets(left, window, from: ends.left)
      let b = try [ends.right] + offsets(right, window, from: ends.right)
      var run = 0
      for place in 0..<window.count where a[place + 1] - a[place] != b[place + 1] - b[place] {
        try compare(run..<place, a, b, firstElement: index)
        note(index + place)
        run = place + 1
      }
      try compare(run..<window.count, a, b, firstElement: index)
      ends = (a[window.count], b[window.count])
      index = window.upperBound
    }
    for (side, end) in [(left, ends.left), (right, ends.right)] {
      guard side.byteCount - 8 * elementCount == end else {
        throw side.located(
          CairnError(
            .invalidElement, "the strings' bytes are not those that the last end offset names",
            expected: "\(end) bytes", found: "\(side.byteCount - 8 * elementCount)"))
      }
    }
  }

  private mutating func note(_ index: Int) {
    first = min(first ?? index, index)
    count += 1
  }

  /// The end offsets of the strings in `window`; the last one ahead of it is `last`.
  private func offsets(
    _ side: TensorBytes, _ window: Range<Int>, from last: Int
  ) throws(CairnError) -> [Int] {
    guard let table = elementCount.multiplied(by: 8), side.byteCount >= table else {
      throw side.located(
        CairnError(.invalidElement, "the bytes end within the strings' end offsets"))
    }
    return try side.withBytes(8 * window.lowerBound..<8 * window.upperBound) {
      (bytes) throws(CairnError) in
      var offsets: [Int] = []
      offsets.reserveCapacity(window.count)
      var last = last
      for place in 0..<window.count {
        let declared = bytes.stringEnd(place)
        guard let end = Int(exactly: declared), end >= last, end <= side.byteCount - table else {
          throw side.located(
            CairnError(
              .invalidElement, "a string ends ahead of its beginning or after the bytes",
              at: .init(index: window.lowerBound + place),
              expected: "\(last) up to \(side.byteCount - table)", found: "\(declared)"))
        }
        offsets.append(end)
        last = end
      }
      return offsets
    }
  }

  /// Compares strings that have equal lengths, given the bounds of each on both sides.
  private mutating func compare(
    _ run: Range<Int>, _ a: [Int], _ b: [Int], firstElement: Int
  ) throws(CairnError) {
    guard !run.isEmpty else { return }
    let table = 8 * elementCount
    var offset = 0
    let length = a[run.upperBound] - a[run.lowerBound]
    var isSame = true
    while offset < length, isSame {
      let part = offset..<min(offset + TensorBytes.windowByteCount, length)
      let (from, to) = (table + a[run.lowerBound], table + b[run.lowerBound])
      isSame = try left.withBytes(from + part.lowerBound..<from + part.upperBound) {
        (mine) throws(CairnError) in
        try right.withBytes(to + part.lowerBound..<to + part.upperBound) { $0.isEqual(to: mine) }
      }
      offset = part.upperBound
    }
    if isSame { return }
    if run.count == 1 {
      note(firstElement + run.lowerBound)
      return
    }
    let middle = run.lowerBound + run.count / 2
    try compare(run.lowerBound..<middle, a, b, firstElement: firstElement)
    try compare(middle..<run.upperBound, a, b, firstElement: firstElement)
  }
}
