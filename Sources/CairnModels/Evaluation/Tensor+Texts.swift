// The elements of tensors of texts, one by one.

import CairnSystem
import CairnTensors

extension Tensor {
  /// The results of a function for each text. Whole numbers count as texts in decimal notation, as
  /// `tf.as_string` writes them.
  ///
  /// - Throws: `dtypeMismatch` for floats and other types; what the function throws.
  func mapTexts<Result>(
    _ function: ([UInt8]) throws(CairnError) -> Result
  ) throws(CairnError) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(elementCount)
    guard dtype == .string else {
      guard dtype.isWhole else {
        throw CairnError(
          .dtypeMismatch, "the elements are no texts, nor whole numbers", expected: "string",
          found: "\(dtype)")
      }
      let isTruth = dtype == .bool
      let numbers: [Int64] = try cast(to: .int64).scalars()
      for number in numbers {
        let text = isTruth ? number == 0 ? "false" : "true" : String(number)
        results.append(try function(Array(text.utf8)))
      }
      return results
    }
    let count = elementCount
    try withBytes { (bytes) throws(CairnError) in
      try ElementRules.check(bytes, dtype: .string, elementCount: count)
      var start = 8 * count
      for index in 0..<count {
        let stop = 8 * count + Int(bytes.stringEnd(index))
        results.append(try function(bytes.extracting(start..<stop).array))
        start = stop
      }
    }
    return results
  }
}
