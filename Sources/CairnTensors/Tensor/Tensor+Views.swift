// The same bytes in another shape, or a part of them.

public import CairnSystem

extension Tensor {
  /// The same elements in another shape; storage is shared until written.
  ///
  /// - Throws: `countMismatch` if the number of elements would change.
  /// - Complexity: O(1).
  public func reshaped(to shape: Shape) throws(CairnError) -> Tensor {
    guard shape.elementCount == elementCount else {
      throw CairnError(
        .countMismatch, "a tensor of shape \(self.shape) cannot take the shape \(shape)",
        expected: "\(elementCount) elements", found: "\(shape.elementCount)")
    }
    return Tensor(dtype: dtype, shape: shape, region: region)
  }

  /// The elements whose index along dimension 0 is in `range`; storage is shared until written,
  /// and the slice keeps all of it alive.
  ///
  /// - Throws: `invalidArgument` for a scalar or a range outside dimension 0; `noConversion` where
  ///   a slice would begin or end within a byte or a block, and for strings.
  /// - Complexity: O(1).
  public func slice(_ range: Range<Int>) throws(CairnError) -> Tensor {
    let part = try Self.bytes(ofSlice: range, dtype: dtype, shape: shape, byteCount: byteCount)
    let start = region.range.lowerBound
    return Tensor(
      dtype: dtype, shape: shape.withOutermost(range.count),
      region: ByteRegion(region.storage, start + part.lowerBound..<start + part.upperBound))
  }

  /// The bytes that the elements with index `range` along dimension 0 take.
  package static func bytes(
    ofSlice range: Range<Int>, dtype: DType, shape: Shape, byteCount: Int
  ) throws(CairnError) -> Range<Int> {
    guard shape.rank > 0 else {
      throw CairnError(.invalidArgument, "a scalar has no dimension to slice along")
    }
    guard range.lowerBound >= 0, range.upperBound <= shape[0] else {
      throw CairnError(
        .invalidArgument, "the slice is outside dimension 0", expected: "within 0..<\(shape[0])",
        found: "\(range)")
    }
    if range == 0..<shape[0] { return 0..<byteCount }
    if range.isEmpty { return 0..<0 }
    let row = shape.elementCount / max(shape[0], 1)
    let granule = dtype.granule
    let (first, end) = (range.lowerBound * row, range.upperBound * row)
    guard dtype != .string else {
      throw CairnError(
        .noConversion, "a tensor of strings cannot be sliced", advice: "Read it whole")
    }
    // The end of the tensor may lie within a byte; what lies between slices may not.
    guard first % granule.elements == 0,
      end % granule.elements == 0 || end == shape.elementCount
    else {
      throw CairnError(
        .noConversion, "the slice begins or ends within a packed group of \(dtype) elements",
        expected: "multiples of \(granule.elements) elements", found: "\(first)..<\(end)",
        advice: "Choose other bounds, or slice the whole and convert it first")
    }
    let start = first / granule.elements * granule.bytes
    let stop = end == shape.elementCount ? byteCount : end / granule.elements * granule.bytes
    return start..<stop
  }
}
