// Fills a tensor block by block, on several threads: each block computes its own rows.

import CairnSystem
import CairnTensors

extension Tensor {
  /// A tensor of rows of `length` scalars, which `body` computes block by block, all of them.
  ///
  /// - Parameters:
  ///   - shape: The tensor's shape, of `rows × length` elements.
  ///   - blocks: The rows of each block, ascending and without gaps.
  ///   - makeWorker: What a thread keeps from block to block, such as memory.
  ///   - body: Computes a range of rows; what it gives must not depend on the range.
  /// - Throws: what the bodies throw; `outOfMemory`.
  init<Scalar: FloatScalar, Worker: ~Copyable>(
    shape: Shape, rowLength length: Int, blocks: [Range<Int>], threads: Threads,
    makeWorker: @Sendable () throws(CairnError) -> Worker,
    _ body:
      @Sendable (inout Worker, Range<Int>, inout MutableSpan<Scalar>) throws(CairnError) -> Void
  ) throws(CairnError) {
    guard shape.elementCount > 0, length > 0 else {
      try self.init(zeros: Scalar.dtype, shape: shape)
      return
    }
    let width = MemoryLayout<Scalar>.size * length
    guard blocks.last?.upperBound == shape.elementCount / length else {
      throw CairnError(
        .countMismatch, "the blocks of rows are not all rows",
        expected: "\(shape.elementCount / length)", found: "\(blocks.last?.upperBound ?? 0)")
    }
    try self.init(
      dtype: Scalar.dtype, shape: shape, byteCount: width * (shape.elementCount / length)
    ) { (target) throws(CairnError) in
      try fillInParallel(
        &target, parts: blocks.map { width * $0.lowerBound..<width * $0.upperBound },
        threads: threads, makeWorker: makeWorker
      ) { (worker, index, bytes) throws(CairnError) in
        try bytes.withMutableElements(of: Scalar.self) { (rows) throws(CairnError) in
          try body(&worker, blocks[index], &rows)
        }
      }
    }
  }

  /// As above, without workers' state.
  init<Scalar: FloatScalar>(
    shape: Shape, rowLength length: Int, blocks: [Range<Int>], threads: Threads,
    _ body: @Sendable (Range<Int>, inout MutableSpan<Scalar>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try self.init(
      shape: shape, rowLength: length, blocks: blocks, threads: threads,
      makeWorker: { () throws(CairnError) in () }
    ) { (_, rows, target: inout MutableSpan<Scalar>) throws(CairnError) in
      try body(rows, &target)
    }
  }
}
