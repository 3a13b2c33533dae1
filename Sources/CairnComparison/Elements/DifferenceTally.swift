// Counting and measuring the differences between two runs of elements, window by window.

import CairnSystem
import CairnTensors

/// What has been found so far between the elements of two tensors of one type and shape.
struct DifferenceTally: Sendable {
  /// The first element that differs.
  struct First: Hashable, Sendable {
    var index: Int
    var bits: BitPatterns
  }

  let layout: ElementLayout
  let tolerance: Tolerance?
  private(set) var first: First?
  /// Elements that differ; with a tolerance, by more than that.
  private(set) var elementCount = 0
  /// Bytes that differ, whatever the tolerance.
  private(set) var byteCount = 0
  private(set) var largestULP: UInt64?
  private(set) var nanMismatches = 0
  private(set) var maximumAbsolute: Double?
  private(set) var maximumRelative: Double?
  private var lastElement = -1

  init(_ layout: ElementLayout, tolerance: Tolerance?) {
    self.layout = layout
    self.tolerance = tolerance
  }

  /// Within blocks of about this many bytes elements are looked at one by one, if the block
  /// differs; where it doesn't, comparing runs at the speed of memory.
  private static let blockByteCount = 4_096

  /// Adds two runs of elements of the same length. `firstElement` is the index of the first.
  mutating func add(_ left: Span<UInt8>, _ right: Span<UInt8>, firstElement: Int) {
    if left.isEqual(to: right) { return }
    let step = layout.wholeGranules(upTo: Self.blockByteCount)
    var start = 0
    while start < left.count {
      let end = min(start + step, left.count)
      let (a, b) = (left.extracting(start..<end), right.extracting(start..<end))
      if !a.isEqual(to: b) {
        let before = start / layout.granule.bytes * layout.granule.elements
        addBlock(a, b, firstElement: firstElement + before)
      }
      start = end
    }
  }

  private mutating func addBlock(_ left: Span<UInt8>, _ right: Span<UInt8>, firstElement: Int) {
    for index in left.indices where left[index] != right[index] { byteCount += 1 }
    guard layout.bitWidth <= 64 else {
      addWideElements(left, right, firstElement: firstElement)
      return
    }
    let partCount = 8 * left.count / layout.bitWidth
    for part in 0..<partCount {
      let (a, b) = (layout.bits(of: left, part: part), layout.bits(of: right, part: part))
      guard a != b, measure(a, b) else { continue }
      let element = part / layout.parts
      if firstElement + element != lastElement {
        lastElement = firstElement + element
        elementCount += 1
      }
      if first == nil {
        let parts = (0..<layout.parts).map { number in
          let index = element * layout.parts + number
          return (layout.bits(of: left, part: index), layout.bits(of: right, part: index))
        }
        first = First(index: lastElement, bits: BitPatterns(parts, bitWidth: layout.bitWidth))
      }
    }
  }

  /// Quantised blocks: no numbers, only bytes.
  private mutating func addWideElements(
    _ left: Span<UInt8>, _ right: Span<UInt8>, firstElement: Int
  ) {
    let width = layout.granule.bytes
    for element in 0..<left.count / width {
      let range = element * width..<(element + 1) * width
      let (a, b) = (left.extracting(range), right.extracting(range))
      if a.isEqual(to: b) { continue }
      elementCount += 1
      if first == nil {
        first = First(index: firstElement + element, bits: BitPatterns(firstDifferenceOf: a, b))
      }
    }
  }

  /// Measures two parts that differ in bits; false if they lie within the tolerance.
  private mutating func measure(_ left: UInt64, _ right: UInt64) -> Bool {
    switch layout.meaning {
    case .opaque: return true
    case .float(let float):
      let (isLeftNaN, isRightNaN) = (float.isNaN(left), float.isNaN(right))
      if isLeftNaN || isRightNaN {
        if tolerance != nil, isLeftNaN, isRightNaN { return false }
        nanMismatches += 1
        return true
      }
      let (a, b) = (float.value(left), float.value(right))
      if let tolerance, tolerance.accepts(a, b) { return false }
      note(distance: abs(a - b), a, b)
      largestULP = max(largestULP ?? 0, float.distance(left, right))
    case .signed:
      let (a, b) = (layout.integer(left), layout.integer(right))
      if let tolerance, tolerance.accepts(Double(a), Double(b)) { return false }
      // The true distance, which 64 bits without a sign always hold.
      note(distance: Double(UInt64(bitPattern: max(a, b) &- min(a, b))), Double(a), Double(b))
    case .unsigned:
      if let tolerance, tolerance.accepts(Double(left), Double(right)) { return false }
      note(distance: Double(max(left, right) - min(left, right)), Double(left), Double(right))
    }
    return true
  }

  private mutating func note(distance: Double, _ left: Double, _ right: Double) {
    let magnitude = max(abs(left), abs(right))
    // Zero against minus zero: no distance at all. An infinity: an infinite one.
    let relative = distance == 0 ? 0 : distance.isFinite ? distance / magnitude : .infinity
    maximumAbsolute = max(maximumAbsolute ?? 0, distance)
    maximumRelative = max(maximumRelative ?? 0, relative)
  }

  /// Adds what was found in another part of the same tensors.
  mutating func merge(_ other: DifferenceTally) {
    if let theirs = other.first, theirs.index < first?.index ?? .max { first = theirs }
    elementCount += other.elementCount
    byteCount += other.byteCount
    nanMismatches += other.nanMismatches
    largestULP = Self.larger(largestULP, other.largestULP)
    maximumAbsolute = Self.larger(maximumAbsolute, other.maximumAbsolute)
    maximumRelative = Self.larger(maximumRelative, other.maximumRelative)
  }

  private static func larger<T: Comparable>(_ left: T?, _ right: T?) -> T? {
    guard let left, let right else { return left ?? right }
    return max(left, right)
  }
}
