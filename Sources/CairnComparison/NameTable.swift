// The names of a source, for looking them up, and what follows from them alone: order and ties.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The entries of a source by name.
struct NameTable: Sendable {
  private let source: any TensorSource
  let entries: [TensorEntry]
  let indices: [TensorName: Int]
  let inWeightOrder: [TensorName]
  /// Whether a tensor has more than one name.
  var isTied: Bool { entries.contains { $0.aliasOf != nil } }

  init(_ source: any TensorSource) throws(CairnError) {
    let entries = try source.entries()
    var indices: [TensorName: Int] = [:]
    indices.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      guard indices.updateValue(index, forKey: entry.name) == nil else {
        throw source.located(
          CairnError(
            .duplicateName, "two tensors have the same name", at: .init(name: entry.name.string)))
      }
    }
    let order = entries.indices.sorted { entries[$0].position < entries[$1].position }
    self.source = source
    self.entries = entries
    self.indices = indices
    self.inWeightOrder = order.map { entries[$0].name }
  }

  func entry(_ name: TensorName) -> TensorEntry? { indices[name].map { entries[$0] } }

  /// The index of the tensor whose bytes `name` stands for: its owner's, if it is an alias.
  func owner(of name: TensorName) throws(CairnError) -> Int {
    guard let index = indices[name] else { throw contradiction(name) }
    guard let owner = entries[index].aliasOf else { return index }
    guard let found = indices[owner] else { throw contradiction(owner) }
    return found
  }

  private func contradiction(_ name: TensorName) -> CairnError {
    source.located(
      CairnError(
        .noSuchTensor, "an alias names a tensor that is not there", at: .init(name: name.string)))
  }
}

/// The names that stand in another order on the right, as few as explain it: all but a longest run
/// that ascends on both sides.
///
/// - Complexity: O(n log n).
func reorderings(_ left: [TensorName], _ right: [TensorName]) -> [NamedDifference<Int>] {
  if left == right { return [] }
  var places: [TensorName: Int] = [:]
  for (place, name) in right.enumerated() { places[name] = place }
  let order = left.compactMap { places[$0] }
  guard order.count == left.count else { return [] }
  // Patience sorting: `tails[k]` is where a longest ascending run of k + 1 places ends lowest.
  var tails: [Int] = []
  var previous = [Int](repeating: -1, count: order.count)
  for index in order.indices {
    var (low, high) = (0, tails.count)
    while low < high {
      let middle = (low + high) / 2
      if order[tails[middle]] < order[index] { low = middle + 1 } else { high = middle }
    }
    if low > 0 { previous[index] = tails[low - 1] }
    if low == tails.count { tails.append(index) } else { tails[low] = index }
  }
  var stays = [Bool](repeating: false, count: order.count)
  var place = tails.last ?? -1
  while place >= 0 {
    stays[place] = true
    place = previous[place]
  }
  return left.indices.filter { !stays[$0] }.map {
    NamedDifference(name: left[$0], left: $0, right: order[$0])
  }
}

/// The groups of tied names that only one side has; only names that both sides have count.
func tieDifferences(
  of common: [TensorName], _ left: NameTable, _ right: NameTable
) throws(CairnError) -> [TieDifference] {
  let (mine, theirs) = (try tieGroups(of: common, left), try tieGroups(of: common, right))
  let (ours, others) = (Set(mine), Set(theirs))
  return mine.filter { !others.contains($0) }.map { TieDifference(names: $0, side: .left) }
    + theirs.filter { !ours.contains($0) }.map { TieDifference(names: $0, side: .right) }
}

/// The groups of two names or more that are one tensor, names ascending, groups by first name.
private func tieGroups(
  of names: [TensorName], _ table: NameTable
) throws(CairnError) -> [[TensorName]] {
  var groups: [Int: [TensorName]] = [:]
  for name in names { groups[try table.owner(of: name), default: []].append(name) }
  return groups.values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
}
