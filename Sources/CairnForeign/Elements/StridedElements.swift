// Elements that do not lie one after the other: Fortran order, transposed or expanded views.

package import CairnSystem

/// The last block of memory that was read for views, kept for the next view of the same bytes.
/// There is one for each file, so that a file of many views doesn't fill up memory.
package final class ViewedBytes: Sendable {
  private let last = Lock<(key: Int, region: ByteRegion)?>(nil)

  package init() {}

  /// The bytes that belong to `key`, read with `read` unless they are still here from the last
  /// call.
  func region(
    _ key: Int, _ read: () throws(CairnError) -> ByteRegion
  ) throws(CairnError) -> ByteRegion {
    try last.withLock { (last) throws(CairnError) in
      if let last, last.key == key { return last.region }
      last = nil
      let region = try read()
      last = (key, region)
      return region
    }
  }
}

/// A view of bytes by dimensions and strides.
package struct StridedElements: ElementBytes {
  private let base: any ElementBytes
  private let width: Int
  private let dimensions: [Int]
  private let strides: [Int]
  private let viewed: ViewedBytes
  private let key: Int
  private let most: Int
  /// The bytes of the view.
  package let count: Int

  /// A view of the elements of `base`, from its start on.
  ///
  /// - Parameters:
  ///   - width: The bytes of an element.
  ///   - dimensions: Their product with `width` must fit an `Int`.
  ///   - strides: In elements, not negative.
  ///   - viewed: Keeps the base's bytes in memory between reads, under `key`.
  ///   - most: The most bytes of the base that may be kept. A view of a larger base cannot be read.
  /// - Throws: `truncated` if the view reaches beyond the base.
  package init(
    _ base: any ElementBytes, width: Int, dimensions: [Int], strides: [Int], viewed: ViewedBytes,
    key: Int, most: Int = .max
  ) throws(CairnError) {
    self.base = base
    self.most = most
    self.width = width
    self.dimensions = dimensions
    // The stride of a dimension of 1 is never used, and a file may give any number for it.
    self.strides = zip(dimensions, strides).map { $0 == 1 ? 1 : $1 }
    self.viewed = viewed
    self.key = key
    count = dimensions.contains(0) ? 0 : dimensions.reduce(width, *)
    let span = Self.span(dimensions, strides)
    guard let span, span <= base.count / width else {
      throw CairnError(
        .truncated, "a view reaches beyond the bytes that it is of",
        expected: "at most \(base.count / width) elements", found: span.map { "\($0)" },
        advice: "The file is damaged or hostile")
    }
  }

  /// The number of elements from the first to the last of a view; nil if it overflows.
  static func span(_ dimensions: [Int], _ strides: [Int]) -> Int? {
    guard dimensions.count == strides.count else { return nil }
    if dimensions.contains(0) { return 0 }
    var last = 0
    for (dimension, stride) in zip(dimensions, strides) {
      guard dimension > 0, stride >= 0 else { return nil }
      guard let reach = (dimension - 1).multiplied(by: stride), let sum = last.adding(reach) else {
        return nil
      }
      last = sum
    }
    return last.adding(1)
  }

  /// The strides of elements that lie one after the other, row-major; nil if they overflow.
  package static func rowMajor(_ dimensions: [Int]) -> [Int]? {
    var strides = [Int](repeating: 1, count: dimensions.count)
    var step = 1
    for axis in dimensions.indices.reversed() {
      strides[axis] = step
      guard let next = step.multiplied(by: max(1, dimensions[axis])) else { return nil }
      step = next
    }
    return strides
  }

  /// Whether a view has its elements one after the other. Strides of dimensions of 1 don't matter.
  static func isRowMajor(_ dimensions: [Int], _ strides: [Int]) -> Bool {
    if dimensions.contains(0) { return true }
    guard let plain = rowMajor(dimensions) else { return false }
    return dimensions.indices.allSatisfy { dimensions[$0] == 1 || strides[$0] == plain[$0] }
  }

  package func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    guard bytes.count > 0 else { return }
    let region = try viewed.region(key) { () throws(CairnError) in
      guard base.count <= most else {
        throw CairnError(
          .overBudget, "an array in Fortran order is far larger than what it is deflated to",
          expected: "at most \(most) bytes", found: "\(base.count)",
          advice: "Save it in C order, or without compression")
      }
      return try base.region()
    }
    try withWholeElements(width: width, from: offset, of: count, &bytes) {
      (start, elements) throws(CairnError) in
      try region.withBytes(in: 0..<region.count) { (source) throws(CairnError) in
        gather(source, first: start / width, into: &elements)
      }
    }
  }

  /// Fills `target` with whole elements, starting with element number `first`.
  private func gather(_ source: Span<UInt8>, first: Int, into target: inout MutableSpan<UInt8>) {
    var index = [Int](repeating: 0, count: dimensions.count)
    var rest = first
    for axis in dimensions.indices.reversed() {
      (rest, index[axis]) = rest.quotientAndRemainder(dividingBy: dimensions[axis])
    }
    let inner = dimensions.last ?? 1
    let step = (strides.last ?? 1) * width
    var done = 0
    while done < target.count {
      var at = 0
      for axis in dimensions.indices { at += index[axis] * strides[axis] }
      at *= width
      let run = min(inner - (index.last ?? 0), (target.count - done) / width)
      if step == width {
        target.copy(source.extracting(at..<at + run * width), at: done)
        done += run * width
      } else {
        for _ in 0..<run {
          for byte in 0..<width { target[done + byte] = source[at + byte] }
          done += width
          at += step
        }
      }
      guard var axis = dimensions.indices.last else { return }
      // On to the next row.
      index[axis] = 0
      while axis > 0 {
        axis -= 1
        index[axis] += 1
        if index[axis] < dimensions[axis] { break }
        index[axis] = 0
      }
    }
  }
}
