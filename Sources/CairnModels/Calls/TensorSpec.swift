// What is known about a tensor before it exists, and a tensor with its mask.

public import CairnTensors

/// The shape and the element type of a tensor that does not exist yet.
public struct TensorSpec: Hashable, Sendable {
  /// The shape.
  public var shape: BatchShape
  /// The element type.
  public var dtype: DType

  /// The given shape and type.
  public init(_ shape: BatchShape, dtype: DType = .float32) {
    self.shape = shape
    self.dtype = dtype
  }
}

/// A tensor and its mask, which says which places count: Keras's `_keras_mask`.
public struct MaskedTensor: Sendable {
  /// The tensor.
  public var tensor: Tensor
  /// Bools, most often `(examples, steps)`: false where the tensor is padding. Nil if every place
  /// counts.
  public var mask: Tensor?

  /// A tensor; all of its places count unless a mask says otherwise.
  public init(_ tensor: Tensor, mask: Tensor? = nil) {
    self.tensor = tensor
    self.mask = mask
  }
}
