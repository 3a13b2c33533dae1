// Proving that two live sources share nothing: by what they are made of, then by trying.

public import CairnCheckpoints
public import CairnSystem
import CairnTensors

/// Finds out whether writing to one source of tensors can show in another.
///
/// First by identity: no variable may be in both, and no block of memory; a block that both only
/// read until the first write is told apart from a variable that both write. Then, unless `probing`
/// is false, by trial: in every variable of either side one bit is flipped, both inside the memory
/// of its value and by assigning, the other side is looked at, and the old value is assigned again.
/// What the other side held is remembered as a 64-bit keyed hash a tensor, not as a copy.
///
/// Sources that have no variables (tensors in memory, files) are judged by identity alone. Nothing
/// else may use the sources meanwhile.
///
/// - Parameters:
///   - left: The one source; that of a model (`ModelTensors.live`) if it is to be written.
///   - right: The other source, likewise.
///   - probing: Whether to write to the variables.
///   - maximumDetails: The most pairs that the report lists.
/// - Throws: What reading the sources and copying a variable's value throws. Every variable has its
///   old value then, too.
/// - Complexity: O(bytes) with a few batches of variables a side; a leak costs O(bytes) for each
///   variable of its batch.
public func proveIndependence(
  of left: any TensorSource, from right: any TensorSource, probing: Bool = true,
  maximumDetails: Int = 1_000
) throws(CairnError) -> IndependenceReport {
  var report = IndependenceReport()
  let (a, b) = (try LiveTensors(left), try LiveTensors(right))
  report.liveCount = (a.tensors.count, b.tensors.count)
  let shared = a.shared(with: b)
  report.shared = DifferenceList(shared, limit: maximumDetails)
  report.relation = shared.map(\.relation).max { $0.rank < $1.rank } ?? .disjoint
  guard probing else { return report }
  for (side, written, seen) in [
    (TieDifference.Side.left, left, right), (.right, right, left),
  ] {
    guard let written = written as? any VariableSource else { continue }
    let probe = try MutationProbe(of: written, watching: seen)
    let leaks = try probe.run()
    report.probedCount += probe.variableCount
    report.leaks += leaks.map {
      IndependenceLeak(written: $0.written, side: side, changed: $0.changed)
    }
  }
  return report
}

/// What the tensors of a source in memory are made of.
private struct LiveTensors {
  struct Item {
    var name: TensorName
    var identity: LiveIdentity
  }

  let tensors: [Item]

  init(_ source: any TensorSource) throws(CairnError) {
    var tensors: [Item] = []
    for index in try source.indicesInWeightOrder() {
      guard let identity = try source.liveIdentity(at: index) else { continue }
      tensors.append(Item(name: try source.entry(at: index).name, identity: identity))
    }
    self.tensors = tensors
  }

  /// The pairs that have a variable or a block of memory in common.
  func shared(with other: LiveTensors) -> [SharedTensor] {
    var byVariable: [ObjectIdentifier: [Item]] = [:]
    var byBlock: [ObjectIdentifier: [Item]] = [:]
    for item in other.tensors {
      if let variable = item.identity.variable { byVariable[variable, default: []].append(item) }
      // Nothing can be written to an empty tensor.
      if !item.identity.storage.addresses.isEmpty {
        byBlock[item.identity.storage.owner, default: []].append(item)
      }
    }
    var shared: [SharedTensor] = []
    for item in tensors {
      let twins = item.identity.variable.flatMap { byVariable[$0] } ?? []
      shared += twins.map { SharedTensor(left: item.name, right: $0.name, relation: .shared) }
      if item.identity.storage.addresses.isEmpty { continue }
      for sharer in byBlock[item.identity.storage.owner] ?? [] {
        if let variable = item.identity.variable, variable == sharer.identity.variable { continue }
        // Both reach the block through values, which copy it before they write.
        shared.append(
          SharedTensor(left: item.name, right: sharer.name, relation: .sharedUntilWritten))
      }
    }
    return shared
  }
}
