// The product of matrices, in plain Swift that the compiler vectorises.
//
// One of the few files with unsafe code. The bounds: `left` has rows × inner scalars, `right`
// inner × columns, the part of the result that a piece of work gets (lastRow − firstRow) ×
// (lastColumn − firstColumn); `Shape` says so for the first two and is checked by the callers'
// preconditions, the third is cut by `parts`.

import CairnSystem
import CairnTensors

/// Products of matrices of either float type.
///
/// Every element of the result is added up in the order of the inner dimension, four products at a
/// time, whatever the number of threads and wherever a piece begins: the result's bits depend on
/// the operands alone.
enum MatrixProduct {
  /// Rows of the right matrix that stay in the cache while rows of the left pass over them; a
  /// multiple of 4, so that blocks don't change which products are added up together.
  private static let innerBlock = 256
  /// Below this many multiplications threads cost more than they bring.
  private static let parallelThreshold = 1 << 20

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
      try MatrixProduct.product(
        of: left, right, adding: bias, shape: shape, threads: threads, as: type)
    }
  }

  private static func product<Scalar: FloatScalar>(
    of left: Tensor, _ right: Tensor, adding bias: Tensor?, shape: Shape, threads: Threads,
    as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let (inner, columns) = (right.shape[0], right.shape[1])
    guard shape.elementCount > 0 else { return try Tensor(zeros: Scalar.dtype, shape: shape) }
    let rows = shape.elementCount / columns
    let width = MemoryLayout<Scalar>.size
    let parts = parts(rows: rows, inner: inner, columns: columns, threads: threads)
    let byteParts = parts.map { width * $0.first..<width * $0.end }
    return try Tensor(dtype: Scalar.dtype, shape: shape, byteCount: width * shape.elementCount) {
      (target) throws(CairnError) in
      try fillInParallel(&target, parts: byteParts, threads: threads) {
        (index, bytes) throws(CairnError) in
        let part = parts[index]
        try left.withScalars(of: type) { (a) throws(CairnError) in
          try right.withScalars(of: type) { (b) throws(CairnError) in
            // SAFETY: the bytes are those of whole scalars, aligned since storage is 64-aligned and
            // parts are multiples of a scalar's bytes.
            unsafe bytes.withUnsafeMutableBytes { raw in
              let result = unsafe raw.assumingMemoryBound(to: type)
              unsafe a.withUnsafeBufferPointer { a in
                unsafe b.withUnsafeBufferPointer { b in
                  unsafe fill(result, part, a, b, inner: inner, columns: columns)
                }
              }
            }
          }
          if let bias { try add(bias, to: &bytes, part: part, as: type) }
        }
      }
    }
  }

  /// Part of the result: whole rows, or some columns of the only row.
  private struct Part {
    var rows: Range<Int>
    var columns: Range<Int>
    var stride: Int
    var first: Int { rows.lowerBound * stride + columns.lowerBound }
    var end: Int { (rows.upperBound - 1) * stride + columns.upperBound }
  }

  private static func parts(
    rows: Int, inner: Int, columns: Int, threads: Threads
  ) -> [Part] {
    let isLarge = (rows * columns).multipliedSaturated(by: max(inner, 1)) >= parallelThreshold
    let wanted = isLarge ? threads.count * 4 : 1
    let length = rows > 1 ? rows : columns
    // Pieces of an even number of rows, since two are computed at a time.
    let size = max(2, ((length + wanted - 1) / max(wanted, 1) + 1) / 2 * 2)
    return stride(from: 0, to: length, by: size).map { start in
      let range = start..<min(start + size, length)
      return rows > 1
        ? Part(rows: range, columns: 0..<columns, stride: columns)
        : Part(rows: 0..<1, columns: range, stride: columns)
    }
  }

  private static func fill<Scalar: FloatScalar>(
    _ result: UnsafeMutableBufferPointer<Scalar>, _ part: Part, _ a: UnsafeBufferPointer<Scalar>,
    _ b: UnsafeBufferPointer<Scalar>, inner: Int, columns: Int
  ) {
    precondition(result.count == part.rows.count * part.columns.count)
    precondition(a.count >= part.rows.upperBound * inner && b.count == inner * columns)
    let width = part.columns.count
    unsafe result.update(repeating: 0)
    guard let result = result.baseAddress, let a = a.baseAddress, let b = b.baseAddress else {
      return
    }
    for block in stride(from: 0, to: inner, by: innerBlock) {
      let end = min(block + innerBlock, inner)
      var row = 0
      while row < part.rows.count {
        // SAFETY: row (and row + 1 where there is one) lie in the part, whose rows lie in `a`.
        let x = unsafe a + (part.rows.lowerBound + row) * inner
        let y = unsafe result + row * width
        if row + 1 < part.rows.count {
          unsafe addTwoRows(
            y, y + width, x, x + inner, b + part.columns.lowerBound, block..<end, columns, width)
          row += 2
        } else {
          unsafe addRow(y, x, b + part.columns.lowerBound, block..<end, columns, width)
          row += 1
        }
      }
    }
  }

  /// Adds to `y` the rows of `b` within `block`, each times an element of `x`.
  private static func addRow<Scalar: FloatScalar>(
    _ y: UnsafeMutablePointer<Scalar>, _ x: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>,
    _ block: Range<Int>, _ stride: Int, _ width: Int
  ) {
    var k = block.lowerBound
    // SAFETY: k + 3 < block.upperBound <= inner, and column < width <= stride.
    while k + 4 <= block.upperBound {
      let (x0, x1, x2, x3) = unsafe (x[k], x[k + 1], x[k + 2], x[k + 3])
      let b0 = unsafe b + k * stride
      let b1 = unsafe b0 + stride
      let b2 = unsafe b1 + stride
      let b3 = unsafe b2 + stride
      for column in 0..<width {
        unsafe y[column] +=
          (x0 * b0[column] + x1 * b1[column]) + (x2 * b2[column] + x3 * b3[column])
      }
      k += 4
    }
    while k < block.upperBound {
      let (factor, row) = unsafe (x[k], b + k * stride)
      for column in 0..<width { unsafe y[column] += factor * row[column] }
      k += 1
    }
  }

  /// As ``addRow(_:_:_:_:_:_:)`` for two rows, so that each row of `b` is loaded once for both; the
  /// operations on each are the same.
  private static func addTwoRows<Scalar: FloatScalar>(
    _ y: UnsafeMutablePointer<Scalar>, _ z: UnsafeMutablePointer<Scalar>,
    _ x: UnsafePointer<Scalar>, _ w: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>,
    _ block: Range<Int>, _ stride: Int, _ width: Int
  ) {
    var k = block.lowerBound
    // SAFETY: as in `addRow`.
    while k + 4 <= block.upperBound {
      let (x0, x1, x2, x3) = unsafe (x[k], x[k + 1], x[k + 2], x[k + 3])
      let (w0, w1, w2, w3) = unsafe (w[k], w[k + 1], w[k + 2], w[k + 3])
      let b0 = unsafe b + k * stride
      let b1 = unsafe b0 + stride
      let b2 = unsafe b1 + stride
      let b3 = unsafe b2 + stride
      for column in 0..<width {
        let (c0, c1, c2, c3) = unsafe (b0[column], b1[column], b2[column], b3[column])
        unsafe y[column] += (x0 * c0 + x1 * c1) + (x2 * c2 + x3 * c3)
        unsafe z[column] += (w0 * c0 + w1 * c1) + (w2 * c2 + w3 * c3)
      }
      k += 4
    }
    while k < block.upperBound {
      let (first, second, row) = unsafe (x[k], w[k], b + k * stride)
      for column in 0..<width {
        unsafe y[column] += first * row[column]
        unsafe z[column] += second * row[column]
      }
      k += 1
    }
  }

  /// The product of two matrices that are given as scalars, row by row, on this thread.
  ///
  /// - Precondition: `left` has `rows × inner` scalars from `leftStart` on, `right`
  ///   `inner × columns` from `rightStart` on.
  static func product<Scalar: FloatScalar>(
    _ left: [Scalar], from leftStart: Int = 0, _ right: [Scalar], from rightStart: Int = 0,
    rows: Int, inner: Int, columns: Int
  ) -> [Scalar] {
    precondition(leftStart >= 0 && left.count - leftStart >= rows * inner)
    precondition(rightStart >= 0 && right.count - rightStart >= inner * columns)
    guard rows * columns > 0 else { return [] }
    let part = Part(rows: 0..<rows, columns: 0..<columns, stride: columns)
    var result = [Scalar](repeating: 0, count: rows * columns)
    // SAFETY: the bounds are checked above; `fill` is given exactly the operands' scalars.
    unsafe result.withUnsafeMutableBufferPointer { result in
      unsafe left.withUnsafeBufferPointer { left in
        unsafe right.withUnsafeBufferPointer { right in
          let a = unsafe UnsafeBufferPointer(
            rebasing: left[leftStart..<leftStart + rows * inner])
          let b = unsafe UnsafeBufferPointer(
            rebasing: right[rightStart..<rightStart + inner * columns])
          unsafe fill(result, part, a, b, inner: inner, columns: columns)
        }
      }
    }
    return result
  }

  /// Copies scalars into bytes that have room for exactly that many.
  static func copy<Scalar: FloatScalar>(
    _ scalars: [Scalar], into bytes: inout MutableSpan<UInt8>
  ) {
    precondition(bytes.count == MemoryLayout<Scalar>.size * scalars.count)
    // SAFETY: an array of floats is its elements' bytes without gaps, as many as the target has.
    unsafe scalars.withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        unsafe target.copyMemory(from: source)
      }
    }
  }

  private static func add<Scalar: FloatScalar>(
    _ bias: Tensor, to bytes: inout MutableSpan<UInt8>, part: Part, as type: Scalar.Type
  ) throws(CairnError) {
    try bias.withScalars(of: type) { (bias) throws(CairnError) in
      // SAFETY: as above; the part has rows of as many scalars as it has columns.
      unsafe bytes.withUnsafeMutableBytes { raw in
        let result = unsafe raw.assumingMemoryBound(to: type)
        var index = 0
        for _ in part.rows {
          for column in part.columns {
            unsafe result[index] += bias[column]
            index += 1
          }
        }
      }
    }
  }
}
