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

  /// As above, in the type of the elements, float32 or float64.
  func mapped(_ function: UnaryFunction) throws(CairnError) -> Tensor {
    switch Precision(for: dtype) {
    case .single: try mapped { (x: Float) in function(x) }
    case .double: try mapped { (x: Double) in function(x) }
    }
  }
}
