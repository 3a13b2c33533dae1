// The product of matrices, spread over threads.

import CairnSystem
import CairnTensors

/// Products of matrices of either float type.
///
/// Every element of the result is one chain of fused multiply-adds, begun at 0, in ascending order of
/// the inner dimension; then the bias is added. Its bits depend on the operands alone, whatever the
/// number of threads, the blocks, and the instructions of the machine.
enum MatrixProduct {
  /// Below this many multiplications threads cost more than they bring.
  private static let parallelThreshold = 1 << 20
  /// Rows of the left matrix that pass over a panel while it is in the cache.
  static let rowBlock = 192
  /// How much of the right matrix is packed at once.
  private static let packedByteCount = 8 << 20

  /// `left · right + bias`, over the last dimension of `left`.
  ///
  /// - Parameters:
  ///   - left: `(…, n)`.
  ///   - right: `(n, m)`.
  ///   - bias: `(m,)`.
  ///   - shape: The result's, `(…, m)`.
  /// - Throws: `shapeMismatch` if the shapes don't go together; `dtypeMismatch`; `outOfMemory`.
  static func product(
    of left: Tensor, _ right: Tensor, adding bias: Tensor?, shape: Shape, threads: Threads
  ) throws(CairnError) -> Tensor {
    guard right.rank == 2, left.rank >= 1, left.shape.dimensions.last == right.shape[0],
      shape.dimensions == Array(left.shape.dimensions.dropLast()) + [right.shape[1]],
      bias.map({ $0.shape.dimensions == [right.shape[1]] }) ?? true
    else {
      throw CairnError(
        .shapeMismatch, "the matrices cannot be multiplied", expected: "(…, n) · (n, m)",
        found: "\(left.shape) · \(right.shape)")
    }
    guard left.dtype == right.dtype, bias?.dtype ?? left.dtype == left.dtype else {
      throw CairnError(
        .dtypeMismatch, "matrices of different element types cannot be multiplied",
        found: "\(left.dtype) and \(right.dtype)")
    }
    return try Precision(for: left.dtype).run(
      Work(left: left, right: right, bias: bias, shape: shape, threads: threads))
  }

  /// As above, once shapes and types are checked.
  private struct Work: FloatWork {
    let left: Tensor
    let right: Tensor
    let bias: Tensor?
    let shape: Shape
    let threads: Threads

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      let (inner, columns) = (right.shape[0], right.shape[1])
      guard shape.elementCount > 0 else { return try Tensor(zeros: Scalar.dtype, shape: shape) }
      let rows = shape.elementCount / columns
      let width = MemoryLayout<Scalar>.size
      let offsets: [Scalar] = try bias?.scalars() ?? []
      return try Tensor(dtype: Scalar.dtype, shape: shape, byteCount: width * shape.elementCount) {
        (target) throws(CairnError) in
        for slab in MatrixProduct.slabs(inner: inner, columns: columns, as: type) {
          try Cancellation.check()
          let packed = try right.withScalars(of: type) { (values) throws(CairnError) in
            try PackedMatrix(
              values, stride: columns, rows: slab.inner, columns: slab.columns, threads: threads)
          }
          let bias = slab.inner.upperBound == inner && bias != nil ? offsets[slab.columns] : []
          let parts = MatrixProduct.parts(
            rows: rows, slab, columns: columns, threads: threads, panel: Scalar.panelWidth)
          try fillInParallel(
            &target, parts: parts.map { width * $0.first..<width * $0.end }, threads: threads
          ) { (index, bytes) throws(CairnError) in
            let part = parts[index]
            try left.withScalars(of: type) { (a) throws(CairnError) in
              bytes.withMutableElements(of: type) { result in
                packed.multiply(
                  a,
                  .init(
                    rows: part.rows.count,
                    left: part.rows.lowerBound * inner + slab.inner.lowerBound,
                    leftStride: inner, resultStride: columns, columns: part.columns,
                    continues: slab.inner.lowerBound > 0),
                  adding: Array(bias), into: &result)
              }
            }
          }
        }
      }
    }
  }

  /// What of the right matrix is packed at once.
  private struct Slab {
    var inner: Range<Int>
    var columns: Range<Int>
  }

  private static func slabs<Scalar: FloatScalar>(
    inner: Int, columns: Int, as type: Scalar.Type
  ) -> [Slab] {
    let most = packedByteCount / MemoryLayout<Scalar>.size
    // As many columns as leave room for some rows; then as many rows as there is room for.
    let width = min(columns, most / 256)
    let padded = (width + Scalar.panelWidth - 1) / Scalar.panelWidth * Scalar.panelWidth
    let depth = max(most / padded, 1)
    var slabs: [Slab] = []
    for column in stride(from: 0, to: columns, by: width) {
      let columns = column..<min(column + width, columns)
      // Without an inner dimension there is still the bias.
      if inner == 0 { slabs.append(Slab(inner: 0..<0, columns: columns)) }
      for start in stride(from: 0, to: inner, by: depth) {
        slabs.append(Slab(inner: start..<min(start + depth, inner), columns: columns))
      }
    }
    return slabs
  }

  /// Part of the result within a slab's columns: of whole rows, or some columns of the only row.
  private struct Part {
    var rows: Range<Int>
    /// Within the slab.
    var columns: Range<Int>
    /// Where the part begins and ends in the result.
    var first: Int
    var end: Int
  }

  private static func parts(
    rows: Int, _ slab: Slab, columns: Int, threads: Threads, panel: Int
  ) -> [Part] {
    let width = slab.columns.count
    func part(_ rows: Range<Int>, _ own: Range<Int>) -> Part {
      let start = slab.columns.lowerBound
      return Part(
        rows: rows, columns: own, first: rows.lowerBound * columns + start + own.lowerBound,
        end: (rows.upperBound - 1) * columns + start + own.upperBound)
    }
    if rows > 1 {
      return blocks(rows, work: width.multipliedSaturated(by: slab.inner.count), threads: threads)
        .map { part($0, 0..<width) }
    }
    let isLarge = width.multipliedSaturated(by: slab.inner.count) >= parallelThreshold
    let count = isLarge ? threads.count : 1
    let size = max((width / count + panel - 1) / panel * panel, panel)
    return stride(from: 0, to: width, by: size).map { part(0..<1, $0..<min($0 + size, width)) }
  }

  /// Rows in blocks for threads: as many blocks for each, none larger than ``rowBlock``.
  ///
  /// - Parameter work: The multiplications that a row takes.
  static func blocks(_ rows: Int, work: Int, threads: Threads) -> [Range<Int>] {
    let isLarge = rows.multipliedSaturated(by: max(work, 1)) >= parallelThreshold
    var count = (rows + rowBlock - 1) / rowBlock
    if isLarge { count = (count + threads.count - 1) / threads.count * threads.count }
    // Tiles have six rows, or twelve.
    let size = max(((rows + count - 1) / max(count, 1) + 5) / 6 * 6, 6)
    return stride(from: 0, to: rows, by: size).map { $0..<min($0 + size, rows) }
  }

  /// The product of two matrices that are given as scalars, row by row, on this thread.
  ///
  /// - Throws: `outOfMemory`.
  /// - Precondition: `left` has `rows × inner` scalars from `leftStart` on, `right`
  ///   `inner × columns` from `rightStart` on.
  static func product<Scalar: FloatScalar>(
    _ left: [Scalar], from leftStart: Int = 0, _ right: [Scalar], from rightStart: Int = 0,
    rows: Int, inner: Int, columns: Int
  ) throws(CairnError) -> [Scalar] {
    let packed = try PackedMatrix(
      right.span, from: rightStart, inner: inner, columns: columns)
    return packed.product(left, from: leftStart, rows: rows)
  }

  /// Copies scalars into bytes that have room for exactly that many.
  static func copy<Scalar: FloatScalar>(
    _ scalars: [Scalar], into bytes: inout MutableSpan<UInt8>
  ) {
    bytes.withMutableElements(of: Scalar.self) { target in
      precondition(target.count == scalars.count)
      for index in scalars.indices { target[index] = scalars[index] }
    }
  }
}

extension PackedMatrix {
  /// The product of a matrix that is given as scalars and this one, on this thread.
  ///
  /// - Precondition: `left` has `rows × inner` scalars from `start` on.
  func product(
    _ left: [Scalar], from start: Int = 0, rows: Int, adding bias: [Scalar] = []
  ) -> [Scalar] {
    var result = [Scalar](repeating: 0, count: rows * columns)
    var span = result.mutableSpan
    multiply(
      left.span,
      Operands(rows: rows, left: start, leftStride: inner, resultStride: columns), adding: bias,
      into: &span)
    return result
  }
}
