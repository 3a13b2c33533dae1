// A tensor whose memory is taken and whose elements nobody has looked at yet.

package import CairnSystem

/// Memory for a tensor, and what to fill it with when the tensor is first asked for.
///
/// Initial weights are drawn at the rate of a random generator and mostly replaced before anybody
/// has seen them: a clone is given the original's, a restored model the file's. Memory that is never
/// touched costs nothing, yet it is reserved, so that the first look cannot fail.
package struct DeferredTensor: Sendable {
  package let dtype: DType
  package let shape: Shape
  private let storage: Storage
  private let fill: @Sendable (inout MutableSpan<UInt8>) -> Void

  /// A tensor of zeros.
  ///
  /// - Throws: `outOfMemory`, `invalidShape` where the type cannot fill the shape.
  package init(zeros dtype: DType, shape: Shape) throws(CairnError) {
    self.dtype = dtype
    self.shape = shape
    storage = try Storage(byteCount: try Tensor.byteCount(of: dtype, shape), zeroed: false)
    fill = { bytes in bytes.update(repeating: 0) }
  }

  /// A tensor of float32 whose elements `draw` gives, all of them.
  ///
  /// - Throws: `outOfMemory`, `invalidShape`.
  package init(
    float32 shape: Shape, draw: @escaping @Sendable (inout MutableSpan<Float>) -> Void
  ) throws(CairnError) {
    dtype = .float32
    self.shape = shape
    storage = try Storage(byteCount: try Tensor.byteCount(of: .float32, shape), zeroed: false)
    fill = { bytes in bytes.withMutableElements(of: Float.self, draw) }
  }

  /// The tensor. To be called once: it owns the memory.
  func filled() -> Tensor {
    storage.withMutableBytes(in: 0..<storage.byteCount) { bytes in fill(&bytes) }
    return Tensor(
      dtype: dtype, shape: shape, region: ByteRegion(storage, 0..<storage.byteCount))
  }
}
