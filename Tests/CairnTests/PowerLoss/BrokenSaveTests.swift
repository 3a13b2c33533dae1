// That the simulated loss of power finds what it should find: saves with one step wrong.

import Cairn
import CairnSystem
import CairnTestSupport
import Testing

@Suite struct BrokenSaveTests {
  private func broken(
    _ change: (inout [FileEvent], Int) throws -> Void
  ) throws -> RecordedSave.Recording {
    var recording = try RecordedSave(place: .overOld).record()
    let rename = try #require(
      recording.history.events.firstIndex { if case .rename = $0 { true } else { false } })
    try change(&recording.history.events, rename)
    return recording
  }

  /// Whether something may stand at the target that is neither the old nor the new file.
  private func losesFiles(_ recording: RecordedSave.Recording) -> Bool {
    !recording.judgeAll(sector: 512).targetKinds.isSubset(of: [.old, .new])
  }

  @Test func `The save as it is loses nothing`() throws {
    #expect(try !losesFiles(broken { _, _ in }))
  }

  @Test func `A save without fsync of the file is found out`() throws {
    let recording = try broken { events, _ in
      events.removeAll { if case .synchronize = $0 { true } else { false } }
    }
    #expect(losesFiles(recording))
    #expect(recording.judgeTheEnd(sector: 512).targetKinds != [.new])
  }

  @Test func `A save that renames before fsync is found out`() throws {
    #expect(
      try losesFiles(
        broken { events, rename in
          let step = events.remove(at: rename)
          let fsync = try #require(
            events.firstIndex { if case .synchronize = $0 { true } else { false } })
          events.insert(step, at: fsync)
        }))
  }

  @Test func `A save that writes once more after fsync is found out`() throws {
    #expect(
      try losesFiles(
        broken { events, rename in
          let last = try #require(
            events.lastIndex { if case .write = $0 { true } else { false } })
          let write = events.remove(at: last)
          events.insert(write, at: rename)
        }))
  }

  @Test func `A save without fsync of the folder may be undone after it has returned`() throws {
    let recording = try broken { events, _ in
      events.removeAll { if case .synchronizeFolder = $0 { true } else { false } }
    }
    #expect(!losesFiles(recording))
    #expect(recording.judgeTheEnd(sector: 512).targetKinds == [.old, .new])
  }

  @Test func `A save that removes the old file first is found out`() throws {
    let recording = try broken { events, rename in
      guard case .rename(_, let target, _) = events[rename] else { return }
      events.insert(.unlink(path: target), at: rename)
    }
    #expect(recording.judgeAll(sector: 512).targetKinds.contains(.absent))
  }

  @Test func `A save into the old file itself is found out`() throws {
    let recording = try broken { events, rename in
      guard case .rename(_, _, let file) = events[rename] else { return }
      events = events.compactMap { event in
        switch event {
        // The old file is the only one that was there: number 0.
        case .write(file, let offset, let bytes): .write(file: 0, offset: offset, bytes: bytes)
        case .synchronize: .synchronize(file: 0)
        default: nil
        }
      }
    }
    #expect(losesFiles(recording))
  }
}
