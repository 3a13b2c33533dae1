// What both routes say of each tensor, side by side. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Everything that is said of the tensor of one ordinal.
struct TensorClaim {
  /// A record, of an alias perhaps without its owner: the index names it by a row, which may be lost.
  struct Record: Hashable {
    var content: TensorRecord
    var knowsOwner: Bool

    func agrees(with other: Record) -> Bool {
      guard !knowsOwner || !other.knowsOwner else { return content == other.content }
      var copy = content
      copy.owner = other.content.owner
      return copy == other.content
    }
  }

  let ordinal: UInt32
  /// The records that are known; of the first few, without those that agree with an earlier one.
  private(set) var records: [Record] = []
  /// Names in places whose record is not known.
  private(set) var names: [TensorName] = []
  /// The rows of the index that are about it.
  fileprivate(set) var rows: [IndexEvidence.Row] = []
  /// The payloads of TNSR frames that are damaged or invalid.
  fileprivate(set) var damagedHeaders: [Range<Int>] = []

  fileprivate init(_ ordinal: UInt32) { self.ordinal = ordinal }

  /// The record, if there is one and nothing contradicts it.
  var record: Record? { records.count == 1 ? records[0] : nil }

  /// Every name that is claimed for it, each once.
  var allNames: [TensorName] {
    var seen: Set<TensorName> = []
    return (records.map(\.content.name) + names).filter { seen.insert($0).inserted }
  }

  fileprivate mutating func add(_ record: Record) {
    // Two that disagree are already a contradiction: if there are more than a few, none is looked
    // for.
    let place = records.prefix(4).firstIndex { $0.agrees(with: record) }
    guard let place else {
      records.append(record)
      return
    }
    if record.knowsOwner { records[place] = record }
  }

  fileprivate mutating func add(_ name: TensorName?) {
    if let name { names.append(name) }
  }
}

/// The claims of all ordinals.
struct TensorClaims {
  /// Ascending by ordinal.
  private(set) var all: [TensorClaim] = []
  /// The ordinals that must have been there and of which nothing is left, ascending; not all of them
  /// where they are more than the file has room for.
  private(set) var missing: [UInt32] = []
  /// How many more are missing.
  private(set) var furtherMissingCount = 0
  /// Names that are claimed for more than one ordinal.
  private(set) var contestedNames: Set<TensorName> = []

  init(_ frames: FrameEvidence, _ index: IndexEvidence?, fileCount: Int) {
    var claims: [UInt32: TensorClaim] = [:]
    for frame in frames.tensors {
      let record = frame.record.map { TensorClaim.Record(content: $0, knowsOwner: true) }
      Self.change(&claims, frame.ordinal) { claim in
        if let record { claim.add(record) } else { claim.add(frame.name) }
        if record == nil { claim.damagedHeaders.append(frame.payload) }
      }
    }
    for row in index?.rows ?? [] {
      Self.change(&claims, row.places.ordinal) { claim in
        claim.rows.append(row)
        if let record = row.record {
          claim.add(
            TensorClaim.Record(
              content: record,
              knowsOwner: record.ownsData || row.ownerOrdinal != nil))
        } else {
          claim.add(row.name)
        }
      }
    }
    for ordinal in frames.ordinals { Self.change(&claims, ordinal) { _ in } }
    if let header = frames.cut?.header, header.isOfTensor,
      header.ordinal < ContainerLimits.format.tensorCount
    {
      Self.change(&claims, header.ordinal) { _ in }
    }
    all = claims.values.sorted { $0.ordinal < $1.ordinal }
    findMissing(least: index?.table.entryCount ?? 0, fileCount: fileCount)
    findContested()
  }

  private static func change(
    _ claims: inout [UInt32: TensorClaim], _ ordinal: UInt32, _ body: (inout TensorClaim) -> Void
  ) {
    body(&claims[ordinal, default: TensorClaim(ordinal)])
  }

  private mutating func findMissing(least: Int, fileCount: Int) {
    let count = max(least, all.last.map { Int($0.ordinal) + 1 } ?? 0)
    let missingCount = count - all.count
    // A tensor takes at least a frame's header and its payload, so an ordinal that the file has no
    // room for was never there.
    let listed = min(missingCount, fileCount / (2 * FrameHeader.byteCount))
    furtherMissingCount = missingCount - listed
    var next = 0
    for ordinal in all.map({ Int($0.ordinal) }) + [count] {
      while next < ordinal, missing.count < listed {
        missing.append(UInt32(next))
        next += 1
      }
      next = ordinal + 1
    }
  }

  private mutating func findContested() {
    var owners: [TensorName: UInt32] = [:]
    for claim in all {
      for name in claim.allNames {
        if let owner = owners[name], owner != claim.ordinal { contestedNames.insert(name) }
        owners[name] = claim.ordinal
      }
    }
  }
}
