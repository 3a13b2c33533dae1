// Conversion between element types: always asked for, never implied.

public import CairnSystem

extension Tensor {
  /// The same numbers in another element type.
  public func cast(to dtype: DType) throws(CairnError) -> Tensor {
    if dtype == self.dtype { return self }
    throw CairnError(.noConversion, "not written yet")
  }
}
