// After a loss of power the file is the old or the new one, whole. What "legal state" means is said
// and argued in Tests/Support/PowerLoss/CrashPoint.swift.

import Cairn
import CairnSystem
import CairnTestSupport
import Testing

@Suite struct PowerLossTests {
  /// What the temporary file may be called. Not one of these is a checkpoint.
  private static let codes: Set<CairnError.Code> = [
    .notCommitted, .truncated, .notACairnFile, .checksumMismatch,
  ]

  /// Checks what holds in every state of a save that waits for the disk.
  private func check(_ judge: DiskJudge) {
    #expect(judge.targetKinds == [judge.old == nil ? .absent : .old, .new])
    #expect(!judge.foundThirdThing)
    #expect(judge.refusals.isSubset(of: Self.codes), "\(judge.refusals)")
    #expect(!judge.refusals.isEmpty)
  }

  // MARK: - Every state

  /// A write is a sector; a write goes over two or three; all in one; and the other places.
  static let small =
    [
      RecordedSave(place: .overOld, elementCount: 1_090, writing: 512),
      RecordedSave(place: .overOld, elementCount: 600, writing: 700),
      RecordedSave(place: .overOld, elementCount: 1_090, writing: .max),
      RecordedSave(place: .overOld, elementCount: 1_350, writing: .max, codec: .auto),
    ] + RecordedSave.Place.allCases.map { RecordedSave(place: $0, elementCount: 700) }

  @Test(arguments: small)
  func `Of up to 12 writes every legal state holds the old or the new file`(
    save: RecordedSave
  ) throws {
    let recording = try save.record()
    #expect(recording.history.writeCount <= 12)
    try recording.requireFewParts(sector: 512)
    let judge = recording.judgeAll(sector: 512)
    check(judge)
    #expect(judge.stateCount > 500)
    #expect(recording.judgeTheEnd(sector: 512).targetKinds == [.new])
  }

  @Test func `Of 12 writes of a page each does too, and with any one of them torn`() throws {
    let recording = try RecordedSave(place: .overOld, elementCount: 11_648, writing: 4_096).record()
    #expect(recording.history.writeCount == 12)
    try recording.requireFewParts(sector: 4_096)
    var judge = recording.judgeAll(sector: 4_096)
    #expect(judge.stateCount > 4_000)
    recording.forEachPoint(sector: 512) { point in
      point.forEachSingleFault { judge.look(at: $0) }
    }
    check(judge)
  }

  @Test(.enabled(if: Effort.isFull, "half a million states: make test-crash"))
  func `Of 12 writes of two sectors each does, torn in the middle or not`() throws {
    let recording = try RecordedSave(
      place: .overOld, elementCount: 2_650, writing: 1_024
    ).record()
    #expect(recording.history.writeCount == 12)
    var judge = recording.judge
    recording.forEachPoint(sector: 512) { point in
      point.forEachTornState { judge.look(at: $0) }
    }
    check(judge)
    #expect(judge.stateCount > 500_000)
  }

  // MARK: - Longer sequences

  @Test(arguments: [512, 4_096])
  func `Of more writes every single fault and 10,000 combinations do`(sector: Int) throws {
    let recording = try RecordedSave(place: .overOld, elementCount: 5_000, writing: 1_000).record()
    #expect(recording.history.writeCount > 12)
    var judge = recording.judge
    recording.forEachPoint(sector: sector) { point in
      point.forEachSingleFault { judge.look(at: $0) }
    }
    check(judge)
    var random = SeededNumbers(20_231)
    let moments = recording.history.momentsToFail.count
    recording.forEachPoint(sector: sector) { point in
      point.forRandomStates(10_000 / moments + 1, &random) { judge.look(at: $0) }
    }
    check(judge)
    #expect(judge.stateCount > 10_000)
  }

  // MARK: - Other promises

  @Test func `A target without checksums is old or new too`() throws {
    var save = RecordedSave(place: .overOld)
    save.isSafetensors = true
    let recording = try save.record()
    let judge = recording.judgeAll(sector: 512)
    #expect(judge.targetKinds == [.old, .new])
    #expect(recording.judgeTheEnd(sector: 512).targetKinds == [.new])
  }

  @Test(arguments: RecordedSave.Place.allCases)
  func `Without waiting for the disk the file may be damaged, and is refused then`(
    place: RecordedSave.Place
  ) throws {
    let recording = try RecordedSave(place: place, durability: .none).record()
    let judge = recording.judgeAll(sector: 512)
    #expect(!judge.foundThirdThing)
    // Damage is possible, or this would have to be promised.
    let refused = judge.targetKinds.filter { if case .refused = $0 { true } else { false } }
    #expect(!refused.isEmpty)
    #expect(judge.targetKinds.isSuperset(of: [judge.old == nil ? .absent : .old, .new]))
    // Opening looks at what it needs alone; it is reading that finds the rest.
    #expect(judge.openedCount > 0)
  }
}
