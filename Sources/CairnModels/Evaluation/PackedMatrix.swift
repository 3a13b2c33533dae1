// The right matrix of products, laid out for the kernel.
//
// One of the few files with unsafe code. The bounds: `memory` has whole panels of `inner` rows for all
// columns; every call checks that its rows lie in the operand and in the result before pointers are
// made of them.

import CairnSystem
import CairnTensors

/// A matrix in panels of a few columns: all rows of the first columns, then those of the next ones.
struct PackedMatrix<Scalar: FloatScalar>: Sendable {
  let inner: Int
  let columns: Int
  private let memory: Storage

  /// From this many bytes on threads pay.
  private static var parallelByteCount: Int { 1 << 20 }

  /// The part of `right` with those rows and columns; a row has `stride` scalars.
  ///
  /// - Throws: `outOfMemory`.
  /// - Precondition: the part lies in `right`.
  init(
    _ right: Span<Scalar>, from start: Int = 0, stride: Int, rows: Range<Int>, columns: Range<Int>,
    threads: Threads = 1
  ) throws(CairnError) {
    (inner, self.columns) = (rows.count, columns.count)
    precondition(start >= 0 && rows.lowerBound >= 0 && columns.lowerBound >= 0)
    precondition(columns.upperBound <= stride || columns.isEmpty)
    let isEmpty = rows.isEmpty || columns.isEmpty
    let last = isEmpty ? 0 : start + (rows.upperBound - 1) * stride + columns.upperBound
    precondition(last <= right.count)
    let width = Scalar.panelWidth
    let panels = (columns.count + width - 1) / width
    let panelByteCount = (width * MemoryLayout<Scalar>.size).multipliedSaturated(by: rows.count)
    memory = try Storage(
      byteCount: panelByteCount.multipliedSaturated(by: panels), zeroed: false)
    if isEmpty { return }
    let size = max(1, Self.parallelByteCount / panelByteCount)
    let parts = Swift.stride(from: 0, to: panels, by: size).map {
      $0..<min($0 + size, panels)
    }
    let (inner, count) = (inner, columns.count)
    let first = start + rows.lowerBound * stride + columns.lowerBound
    try memory.withMutableBytes(in: 0..<memory.byteCount) { (bytes) throws(CairnError) in
      try unsafe right.withUnsafeBufferPointer { (buffer) throws(CairnError) in
        // SAFETY: the elements are only read, and outlive the call.
        nonisolated(unsafe) let source = buffer.baseAddress
        try fillInParallel(
          &bytes,
          parts: parts.map { panelByteCount * $0.lowerBound..<panelByteCount * $0.upperBound },
          threads: threads
        ) { (index, target) throws(CairnError) in
          let part = parts[index]
          let column = part.lowerBound * width
          target.withMutableElements(of: Scalar.self) { target in
            // SAFETY: the rows and columns lie in `right`, as was checked; the target has room for
            // the panels of these columns.
            unsafe target.withUnsafeMutableBufferPointer { target in
              guard let source = unsafe source, let packed = target.baseAddress else { return }
              unsafe Scalar.pack(
                source + first + column, stride: stride, inner: inner,
                columns: min(part.upperBound * width, count) - column, into: packed)
            }
          }
        }
      }
    }
  }

  /// A whole matrix.
  ///
  /// - Throws: `outOfMemory`.
  /// - Precondition: `right` has `inner × columns` scalars from `start` on.
  init(
    _ right: Span<Scalar>, from start: Int = 0, inner: Int, columns: Int, threads: Threads = 1
  ) throws(CairnError) {
    try self.init(
      right, from: start, stride: columns, rows: 0..<inner, columns: 0..<columns, threads: threads)
  }

  /// Where the operands of a product lie.
  struct Operands {
    /// The number of rows, and for the left matrix and the result where they begin and how far they are
    /// apart.
    var rows: Int
    var left = 0
    var leftStride: Int
    var result = 0
    var resultStride: Int
    /// The rows of this matrix that are used; the left matrix has as many columns. All if nil.
    var inner: Range<Int>?
    /// The columns of this matrix that are used; all if nil. They begin with a panel.
    var columns: Range<Int>?
    /// Whether the sums go on from what the result has, instead of 0.
    var continues = false
  }

  /// Writes `left · self`, plus `bias` unless that is empty, to `result`.
  ///
  /// - Precondition: what `operands` says lies in bounds; `bias` is empty or as long as a row.
  func multiply(
    _ left: Span<Scalar>, _ operands: Operands, adding bias: [Scalar] = [],
    into result: inout MutableSpan<Scalar>
  ) {
    let inner = operands.inner ?? 0..<self.inner
    let columns = operands.columns ?? 0..<self.columns
    guard operands.rows > 0, !columns.isEmpty else { return }
    let width = Scalar.panelWidth
    precondition(inner.lowerBound >= 0 && inner.upperBound <= self.inner)
    precondition(columns.lowerBound >= 0 && columns.upperBound <= self.columns)
    precondition(columns.lowerBound % width == 0)
    precondition(bias.isEmpty || bias.count == self.columns)
    precondition(operands.left >= 0 && operands.result >= 0)
    precondition(operands.leftStride >= 0 && operands.resultStride >= 0)
    let last = operands.rows - 1
    precondition(operands.left + last * operands.leftStride + inner.count <= left.count)
    precondition(operands.result + last * operands.resultStride + columns.count <= result.count)
    // SAFETY: checked above; the panels from the first column on have `self.inner` rows each.
    memory.withBytes(in: 0..<memory.byteCount) { bytes in
      bytes.withElements(of: Scalar.self) { packed in
        unsafe packed.withUnsafeBufferPointer { packed in
          unsafe left.withUnsafeBufferPointer { left in
            unsafe bias.withUnsafeBufferPointer { bias in
              unsafe result.withUnsafeMutableBufferPointer { result in
                guard let target = result.baseAddress else { return }
                // Where there is no inner dimension nothing is read, whatever is pointed to.
                let any = unsafe UnsafePointer(target)
                let rows = unsafe left.baseAddress ?? any
                let panels = unsafe packed.baseAddress ?? any
                unsafe Scalar.multiply(
                  KernelProduct(
                    left: rows + operands.left,
                    leftStride: operands.leftStride, rows: operands.rows, inner: inner.count,
                    packed: panels + columns.lowerBound * self.inner + inner.lowerBound * width,
                    packedInner: self.inner, columns: columns.count,
                    bias: bias.isEmpty
                      ? nil : bias.baseAddress.map { unsafe $0 + columns.lowerBound },
                    result: target + operands.result, resultStride: operands.resultStride,
                    continues: operands.continues))
              }
            }
          }
        }
      }
    }
  }
}
