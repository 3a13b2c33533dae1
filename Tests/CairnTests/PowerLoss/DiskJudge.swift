// What a disk after a loss of power is worth.

import Cairn
import CairnSystem
import CairnTestSupport

/// Looks at states of a disk and counts what stands at the target and beside it.
struct DiskJudge {
  enum Verdict: Hashable {
    case absent, old, new
    /// Neither, and verification says so.
    case refused(CairnError.Code)
    /// Neither, and verification does not see it: the third thing.
    case mixed
  }

  let target: String
  let old: [UInt8]?
  let new: [UInt8]
  private(set) var stateCount = 0
  /// What was found at the target.
  private(set) var targets: [Verdict: Int] = [:]
  /// What was found under all other names.
  private(set) var others: [Verdict: Int] = [:]
  /// Files that could be opened, though verification refuses them.
  private(set) var openedCount = 0
  private var last: (bytes: [UInt8], verdict: Verdict)?

  init(target: String, old: [UInt8]?, new: [UInt8]) {
    self.target = target
    self.old = old
    self.new = new
  }

  mutating func look(at state: CrashState) {
    stateCount += 1
    targets[state.files[target].map { verdict(on: $0) } ?? .absent, default: 0] += 1
    for path in state.files.keys.sorted() where path != target {
      if let bytes = state.files[path] { others[verdict(on: bytes), default: 0] += 1 }
    }
  }

  private mutating func verdict(on bytes: [UInt8]) -> Verdict {
    if isSame(bytes, new) { return .new }
    if isSame(bytes, old) { return .old }
    // The same bytes come several times in a row, under several names.
    if let last, isSame(last.bytes, bytes) { return last.verdict }
    var verdict = Verdict.mixed
    var options = ReadOptions()
    options.threads = 1
    do throws(CairnError) {
      let container = try Container(MemoryBytes(bytes), options: options)
      openedCount += 1
      _ = try container.verify(.structure)
      openedCount -= 1
    } catch {
      verdict = .refused(error.code)
    }
    last = (bytes, verdict)
    return verdict
  }

  /// `==`, at the speed of memory also where nothing is optimised.
  private func isSame(_ left: [UInt8], _ right: [UInt8]?) -> Bool {
    guard let right else { return false }
    return left.span.isEqual(to: right.span)
  }

  /// The kinds of what was found at the target.
  var targetKinds: Set<Verdict> { Set(targets.keys) }

  /// What stands under other names, but the new file, whole.
  var refusals: Set<CairnError.Code> {
    Set(
      others.keys.compactMap { verdict in
        if case .refused(let code) = verdict { code } else { nil }
      })
  }

  /// Whether something stands somewhere that is neither old nor new, and verification accepts it.
  var foundThirdThing: Bool { targets[.mixed] != nil || others[.mixed] != nil }
}
