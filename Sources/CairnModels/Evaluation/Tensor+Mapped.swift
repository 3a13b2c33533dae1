// A function of each element.

import CairnSystem
import CairnTensors

extension Tensor {
  /// A function of each element of a tensor of that type.
  ///
  /// - Throws: `dtypeMismatch`, `outOfMemory`.
  func mapped<Scalar: FloatScalar>(_ function: (Scalar) -> Scalar) throws(CairnError) -> Tensor {
    var result = self
    try result.withMutableScalars(of: Scalar.self) { values in
      for index in values.indices { values[index] = function(values[index]) }
    }
    return result
  }
}
