// Passes over the elements of tensors, on several threads where it pays.
//
// One of the few files with unsafe code, so that the compiler makes vectors of the loops. The bounds:
// each loop goes over its part of the result, and the operands have as many elements as the whole
// result.

import CairnSystem
import CairnTensors

extension Tensor {
  /// Elements that a thread takes at once.
  private static let passLength = 1 << 16

  /// The parts of a pass over `count` elements, each a multiple of `unit`.
  private static func parts(_ count: Int, unit: Int = 1) -> [Range<Int>] {
    let size = max(passLength / max(unit, 1), 1) * max(unit, 1)
    return stride(from: 0, to: count, by: size).map { $0..<Swift.min($0 + size, count) }
  }

  /// A tensor of this one's type and shape; `body` fills each part of it.
  private func filled<Scalar: FloatScalar>(
    _ parts: [Range<Int>], threads: Threads, as type: Scalar.Type,
    _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Scalar>) throws(CairnError) -> Void
  ) throws(CairnError) -> Tensor {
    let width = MemoryLayout<Scalar>.size
    return try Tensor(dtype: Scalar.dtype, shape: shape, byteCount: width * elementCount) {
      (target) throws(CairnError) in
      try fillInParallel(
        &target, parts: parts.map { width * $0.lowerBound..<width * $0.upperBound },
        threads: parts.count < 2 ? 1 : threads
      ) { (index, bytes) throws(CairnError) in
        try bytes.withMutableElements(of: type) { (values) throws(CairnError) in
          // SAFETY: the part has as many elements as its range.
          try unsafe values.withUnsafeMutableBufferPointer { (values) throws(CairnError) in
            if let base = values.baseAddress { try unsafe body(parts[index], base) }
          }
        }
      }
    }
  }

  /// A function of each element of a tensor of that type.
  ///
  /// - Throws: `dtypeMismatch`, `outOfMemory`.
  @inline(__always)
  func mapped<Scalar: FloatScalar>(
    threads: Threads = 1, _ function: @Sendable (Scalar) -> Scalar
  ) throws(CairnError) -> Tensor {
    // The type is checked where there are no elements too.
    try withScalars(of: Scalar.self) { _ in }
    return try unsafe filled(Self.parts(elementCount), threads: threads, as: Scalar.self) {
      (part, target) throws(CairnError) in
      try withScalars(of: Scalar.self) { values in
        // SAFETY: the part lies in this tensor, whose elements are as many as the result's.
        unsafe values.withUnsafeBufferPointer { values in
          let source = unsafe UnsafeBufferPointer(rebasing: values[part])
          for index in 0..<source.count { unsafe target[index] = function(source[index]) }
        }
      }
    }
  }

  /// Replaces each element by a function of it, in place if nothing else refers to the elements.
  ///
  /// - Throws: `dtypeMismatch`, `outOfMemory`.
  @inline(__always)
  mutating func map<Scalar: FloatScalar>(
    threads: Threads = 1, _ function: @Sendable (Scalar) -> Scalar
  ) throws(CairnError) {
    guard dtype == Scalar.dtype, isUnique(),
      storageIdentity.addresses.lowerBound % UInt(MemoryLayout<Scalar>.alignment) == 0
    else {
      self = try mapped(threads: threads, function)
      return
    }
    let width = MemoryLayout<Scalar>.size
    let parts = Self.parts(elementCount)
    try withMutableBytes { (bytes) throws(CairnError) in
      try fillInParallel(
        &bytes, parts: parts.map { width * $0.lowerBound..<width * $0.upperBound },
        threads: parts.count < 2 ? 1 : threads
      ) { (_, bytes) throws(CairnError) in
        bytes.withMutableElements(of: Scalar.self) { values in
          // SAFETY: the loop goes over the buffer's own indices.
          unsafe values.withUnsafeMutableBufferPointer { values in
            for index in 0..<values.count { unsafe values[index] = function(values[index]) }
          }
        }
      }
    }
  }

  /// A function of each pair of elements of this tensor and one of the same type and shape.
  ///
  /// - Throws: `dtypeMismatch`, `shapeMismatch`, `outOfMemory`.
  @inline(__always)
  func paired<Scalar: FloatScalar>(
    with other: Tensor, threads: Threads, _ function: @Sendable (Scalar, Scalar) -> Scalar
  ) throws(CairnError) -> Tensor {
    guard shape == other.shape else {
      throw CairnError(
        .shapeMismatch, "the tensors have different shapes", expected: "\(shape)",
        found: "\(other.shape)")
    }
    return try unsafe filled(Self.parts(elementCount), threads: threads, as: Scalar.self) {
      (part, target) throws(CairnError) in
      try withScalars(of: Scalar.self) { (left) throws(CairnError) in
        try other.withScalars(of: Scalar.self) { right in
          // SAFETY: both tensors have as many elements as the result.
          unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
              let a = unsafe UnsafeBufferPointer(rebasing: left[part])
              let b = unsafe UnsafeBufferPointer(rebasing: right[part])
              for index in 0..<a.count { unsafe target[index] = function(a[index], b[index]) }
            }
          }
        }
      }
    }
  }

  /// Each element times the factor of its channel, plus the channel's offset. A channel has `inner`
  /// elements that follow one another, and the channels are gone through again and again.
  ///
  /// - Throws: `dtypeMismatch`, `outOfMemory`.
  /// - Precondition: there are as many offsets as factors; the tensor has whole rounds of channels.
  func scaled<Scalar: FloatScalar>(
    by factors: [Scalar], adding offsets: [Scalar], inner: Int, threads: Threads
  ) throws(CairnError) -> Tensor {
    let round = factors.count * inner
    precondition(offsets.count == factors.count && round > 0 && elementCount % round == 0)
    return try unsafe filled(
      Self.parts(elementCount, unit: round), threads: threads, as: Scalar.self
    ) { (part, target) throws(CairnError) in
      try withScalars(of: Scalar.self) { values in
        // SAFETY: a part is whole rounds; each is `factors.count` times `inner` elements.
        unsafe values.withUnsafeBufferPointer { values in
          let source = unsafe UnsafeBufferPointer(rebasing: values[part])
          unsafe factors.withUnsafeBufferPointer { factors in
            unsafe offsets.withUnsafeBufferPointer { offsets in
              for start in stride(from: 0, to: source.count, by: round) {
                if inner == 1 {
                  for channel in 0..<factors.count {
                    unsafe target[start + channel] =
                      source[start + channel] * factors[channel] + offsets[channel]
                  }
                  continue
                }
                for channel in 0..<factors.count {
                  let (factor, offset) = unsafe (factors[channel], offsets[channel])
                  let first = start + channel * inner
                  for index in first..<first + inner {
                    unsafe target[index] = source[index] * factor + offset
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
