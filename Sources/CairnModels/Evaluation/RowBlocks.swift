// Fills a tensor block by block, on several threads: each block computes its own rows.

import CairnSystem
import CairnTensors

extension Tensor {
  /// A tensor of rows of `length` scalars, which `body` computes block by block.
  ///
  /// - Parameters:
  ///   - shape: The tensor's shape, of `rows × length` elements.
  ///   - work: About how many operations a row takes: threads are used where it pays.
  ///   - body: The scalars of a range of rows; what it gives must not depend on the range.
  /// - Throws: what `body` throws; `outOfMemory`.
  init<Scalar: FloatScalar>(
    shape: Shape, rowLength length: Int, work: Int, threads: Threads,
    _ body: @Sendable (Range<Int>) throws(CairnError) -> [Scalar]
  ) throws(CairnError) {
    guard shape.elementCount > 0, length > 0 else {
      try self.init(zeros: Scalar.dtype, shape: shape)
      return
    }
    let rows = shape.elementCount / length
    // Blocks of some 2^20 operations: large enough for a thread, small enough for the cache.
    let size = min(max((1 << 20) / max(work, 1), 1), rows)
    let parts = stride(from: 0, to: rows, by: size).map { $0..<Swift.min($0 + size, rows) }
    let width = MemoryLayout<Scalar>.size * length
    let bytes = parts.map { width * $0.lowerBound..<width * $0.upperBound }
    try self.init(dtype: Scalar.dtype, shape: shape, byteCount: width * rows) {
      (target) throws(CairnError) in
      try fillInParallel(&target, parts: bytes, threads: threads) {
        (index, block) throws(CairnError) in
        let scalars = try body(parts[index])
        guard scalars.count == parts[index].count * length else {
          throw CairnError(
            .countMismatch, "a block of rows was not computed whole",
            expected: "\(parts[index].count * length) scalars", found: "\(scalars.count)")
        }
        MatrixProduct.copy(scalars, into: &block)
      }
    }
  }
}
