// At which level of checking a violation is noticed. FORMAT.md, sections 8 and 18.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import Testing

@Suite struct CheckingLevelTests {
  /// What a program meets that does at most what `level` names, with everything that the file has.
  private func check(_ bytes: [UInt8], at level: String) throws(CairnError) {
    let container = try Container(MemoryBytes(bytes))
    switch level {
    case "open":
      for index in 0..<container.count { _ = try container.entry(at: index) }
      _ = try container.storages()
    case "read":
      for index in 0..<container.count { _ = try container.tensor(at: index) }
      _ = try container.blobs
    case "verify": _ = try container.verify(.structure)
    default: _ = try container.verify(.deep)
    }
  }

  @Test(arguments: GoldenContainer.invalid.filter { $0.expected["level"] != nil })
  func `A violation is noticed at the level that the specification gives it`(
    file: GoldenContainer
  ) throws {
    let level = try #require(file.expected["level"]?.stringValue)
    let bytes = try file.bytes()
    #expect(throws: CairnError.self, "\(level)") { try check(bytes, at: level) }
  }
}
