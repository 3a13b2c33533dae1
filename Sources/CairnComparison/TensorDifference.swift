// How two tensors of one type and shape differ.

public import CairnSystem
public import CairnTensors

/// What is different between two tensors of the same type and shape.
///
/// A quantised block counts as one element here. With a tolerance, an element differs if it lies
/// beyond that.
public struct TensorDifference: Hashable, Sendable {
  /// The name, where the tensors have one: of several tied names the first in the order of weights.
  public var name: TensorName?
  /// The other names of the tensor on the left, if it is tied.
  public var otherNames: [TensorName] = []
  /// The element type.
  public let dtype: DType
  /// The shape.
  public let shape: Shape
  /// The elements of each of the two.
  package let elementCount: Int
  /// The first element that differs, counted row-major.
  package let firstIndex: Int
  /// The bits of that element; nil for strings.
  public let firstBits: BitPatterns?
  /// The number of elements that differ.
  public let differingElements: Int
  /// The number of bytes that differ, whatever the tolerance; nil for strings.
  package let differingBytes: Int?
  /// The pairs of elements (of a complex number: of parts) that differ and of which at least one is
  /// a NaN. They count as different, and for none of the distances.
  public let nanMismatches: Int
  /// The largest distance in units of the last place: how many numbers of the type lie between two
  /// elements, the one of the two included; nil if no pair of floating-point numbers differs.
  ///
  /// −0 and +0 differ in bits; their distance is 0, as NumPy counts it. The infinities are the
  /// neighbours of the largest finite numbers.
  public let largestULP: UInt64?
  /// The largest |left − right|, in double precision; nil where no pair of numbers differs.
  public let maximumAbsolute: Double?
  /// The largest |left − right| ÷ max(|left|, |right|); infinite if one of the two is.
  public let maximumRelative: Double?

  /// The position of the first element that differs, one index a dimension; of a quantised block,
  /// the position of its first element.
  public var firstPosition: [Int] {
    var rest = firstIndex
    if case .quantized(let block) = dtype {
      rest &*= Int(block.elementCount)
    }
    var position: [Int] = []
    for dimension in shape.dimensions.reversed() {
      let length = max(dimension, 1)
      position.append(rest % length)
      rest /= length
    }
    return position.reversed()
  }

  init?(_ tally: DifferenceTally, dtype: DType, shape: Shape) {
    guard let first = tally.first else { return nil }
    self.dtype = dtype
    self.shape = shape
    self.elementCount = Self.elementCount(dtype, shape)
    self.firstIndex = first.index
    self.firstBits = first.bits
    self.differingElements = tally.elementCount
    self.differingBytes = tally.byteCount
    self.nanMismatches = tally.nanMismatches
    self.largestULP = tally.largestULP
    self.maximumAbsolute = tally.maximumAbsolute
    self.maximumRelative = tally.maximumRelative
  }

  init?(_ strings: StringDifferences, shape: Shape) {
    guard let first = strings.first else { return nil }
    self.dtype = .string
    self.shape = shape
    self.elementCount = shape.elementCount
    self.firstIndex = first
    self.firstBits = nil
    self.differingElements = strings.count
    self.differingBytes = nil
    self.nanMismatches = 0
    self.largestULP = nil
    self.maximumAbsolute = nil
    self.maximumRelative = nil
  }

  private static func elementCount(_ dtype: DType, _ shape: Shape) -> Int {
    guard case .quantized(let block) = dtype else { return shape.elementCount }
    return shape.elementCount / Int(block.elementCount)
  }
}

/// Compares two tensors, to the bit unless a tolerance is given.
///
/// - Returns: What differs, or nil if nothing does.
/// - Throws: `dtypeMismatch`, `shapeMismatch`.
/// - Complexity: O(bytes), O(1) where both share one storage.
public func compare(
  _ left: Tensor, _ right: Tensor, tolerance: Tolerance? = nil
) throws(CairnError) -> TensorDifference? {
  guard left.dtype == right.dtype else {
    throw CairnError(
      .dtypeMismatch, "the tensors have different element types", expected: "\(left.dtype)",
      found: "\(right.dtype)")
  }
  guard left.shape == right.shape else {
    throw CairnError(
      .shapeMismatch, "the tensors have different shapes", expected: "\(left.shape)",
      found: "\(right.shape)")
  }
  let (a, b) = (TensorBytes.memory(left, nil), TensorBytes.memory(right, nil))
  if a.isSameMemory(as: b) { return nil }
  guard let layout = ElementLayout(left.dtype) else {
    return TensorDifference(
      try StringDifferences(a, b, elementCount: left.elementCount), shape: left.shape)
  }
  var tally = DifferenceTally(layout, tolerance: tolerance)
  left.withBytes { mine in right.withBytes { theirs in tally.add(mine, theirs, firstElement: 0) } }
  return TensorDifference(tally, dtype: left.dtype, shape: left.shape)
}

/// Compares the values of two variables, to the bit unless a tolerance is given.
///
/// - Returns: What differs, or nil if nothing does.
/// - Throws: `dtypeMismatch`, `shapeMismatch`.
public func compare(
  _ left: Variable, _ right: Variable, tolerance: Tolerance? = nil
) throws(CairnError) -> TensorDifference? {
  try compare(left.value, right.value, tolerance: tolerance)
}
