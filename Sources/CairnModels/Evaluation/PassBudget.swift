// What one pass over a model may cost: the work, besides the size of its tensors.

package import CairnSystem
package import CairnTensors

extension EvaluationContext {
  /// Bounds for a model from a file, in proportion to the sizes of the file and the inputs.
  /// Ordinary models stay far below them, and a configuration of 1 KiB cannot ask for an hour or a
  /// gigabyte.
  ///
  /// - Parameters:
  ///   - fileByteCount: The bytes of the model's file.
  ///   - inputs: What the model is called with.
  package static func bounded(
    fileByteCount: Int, inputs: [Tensor], threads: Threads = .all
  ) -> EvaluationContext {
    func clamped(_ value: Int) -> Int { min(max(value, 0), 1 << 40) }
    let file = clamped(fileByteCount)
    let given = inputs.reduce(0) { clamped($0 + clamped($1.byteCount)) }
    let elements = inputs.reduce(0) { clamped($0 + clamped($1.elementCount)) }
    let most = min((1 << 21) + 64 * elements + file, 1 << 34)
    var context = EvaluationContext(
      threads: threads, maximumElementCount: most, maximumHeldElementCount: 4 * most)
    context.maximumStepCount = 4_000_000 + 2 * file + 64 * given
    return context
  }

  /// Counts work: multiplications and additions in an inner loop; about 256 of them are one step.
  func take(work count: Int...) throws(CairnError) {
    guard let budget else { return }
    let product = count.reduce(1) { $0.multipliedSaturated(by: max($1, 0)) }
    try budget.take(steps: product / 256)
  }

  /// Counts elements that are made or moved one by one.
  func take(elements count: Int) throws(CairnError) { try budget?.take(steps: count / 8) }
}
