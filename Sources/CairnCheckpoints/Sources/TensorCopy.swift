// How tensors' bytes are read from a source: in windows, in the same way for all code that writes
// or checks.

package import CairnSystem
import CairnTensors

extension TensorSource {
  /// Runs `body` on the bytes `range` of the tensor at `index`, in order and at most `step` at a time.
  package func pass(
    _ range: Range<Int>, of index: Int, through window: inout ByteWindow,
    step: Int = ByteWindow.byteCount, _ body: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try window.pass(
      range, step: step,
      reading: { (offset, bytes) throws(CairnError) in
        try read(at: index, from: offset, into: &bytes)
      }, body)
  }

  /// The index of the tensor that has the bytes of `entry`, the entry at `index`: its own index, or
  /// its owner's.
  ///
  /// - Throws: `noSuchTensor` for an alias of what is not there.
  package func ownerIndex(of entry: TensorEntry, at index: Int) throws(CairnError) -> Int {
    guard let owner = entry.aliasOf else { return index }
    guard let found = try self.index(of: owner) else { throw noSuchTensor(owner) }
    return found
  }
}

/// How many bytes of tensors were written or read so far.
package struct ProgressCount {
  private let total: Int
  private var done = 0

  package init(of total: Int) { self.total = total }

  /// Counts further bytes and tells of them.
  package mutating func add(_ count: Int, _ progress: ProgressHandler) throws(CairnError) {
    done = done.addingSaturated(count)
    try WorkProgress.report(done, of: total, to: progress)
  }
}

/// A tensor that is to be written, with what its format says of it.
package struct WrittenTensor<Form: Sendable>: Sendable {
  package let entry: TensorEntry
  /// Where its bytes come from: its own index, or its owner's.
  package let index: Int
  package let form: Form
}

extension TensorSource {
  /// The tensors at `indices` as a format is to write them.
  ///
  /// - Parameter form: What the format says of a tensor; it throws where it has no place for it.
  package func written<Form: Sendable>(
    _ indices: some Sequence<Int>, as form: (TensorEntry, Int) throws(CairnError) -> Form
  ) throws(CairnError) -> [WrittenTensor<Form>] {
    var tensors: [WrittenTensor<Form>] = []
    for index in indices {
      let entry = try entry(at: index)
      let owner = try ownerIndex(of: entry, at: index)
      tensors.append(WrittenTensor(entry: entry, index: owner, form: try form(entry, owner)))
    }
    return tensors
  }
}

extension Array {
  /// The bytes of all tensors.
  package func byteCount<Form>() -> Int where Element == WrittenTensor<Form> {
    reduce(0) { $0.addingSaturated($1.entry.byteCount) }
  }
}
