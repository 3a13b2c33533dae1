// How many parameters a configuration may ask for if it comes with tensors: one rule for all files.

import CairnCheckpoints
import CairnContainer
import CairnModels
import CairnSystem
import CairnTensors

extension ModelLimits {
  /// The number of parameters that is allowed even if the file has fewer, so that the error can
  /// name the missing tensors: 8 MiB in float64.
  private static let parametersOfAnyFile = 1 << 20

  /// These limits, with no more parameters than the tensors of `source` can fill. The tensors may
  /// take at most `budget` bytes.
  ///
  /// A configuration of 500 bytes can ask for terabytes, and a container's commit record can say
  /// anything. Only the tensors' blocks show what the file has.
  ///
  /// - Throws: `overBudget`, and the errors of reading the entries.
  /// - Complexity: O(tensors).
  func filled(by source: any TensorSource, budget: Int) throws(CairnError) -> ModelLimits {
    let container = source as? Container
    var (owned, tied) = (0, 0)
    var left = budget
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      // An element of less than a byte is not a parameter.
      let count = min(entry.shape.elementCount, entry.byteCount)
      guard entry.aliasOf == nil else {
        // Layers that share a variable each have one of their own at first.
        tied = min(tied.addingSaturated(count), budget)
        continue
      }
      // Checked before the blocks are read: a thousand tensors can claim the same blocks.
      guard entry.byteCount <= left else {
        throw CairnError(
          .overBudget, "the model's tensors take more memory than is allowed",
          at: .init(name: entry.name.string), expected: "at most \(budget) bytes in all",
          advice: "Allow more with the parameter budget")
      }
      left -= entry.byteCount
      if let container { _ = try container.storage(at: index) }
      owned = owned.addingSaturated(count)
    }
    var limits = self
    limits.maximumParameters = min(
      maximumParameters, max(owned.addingSaturated(tied), Self.parametersOfAnyFile))
    return limits
  }
}
