// What the command prints, held against files. After an intended change:
//   CAIRN_RECORD_GOLDENS=1 swift test --filter CairnCommandTests

import Foundation
import Testing

enum Goldens {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Goldens")
  private static let isRecording =
    ProcessInfo.processInfo.environment["CAIRN_RECORD_GOLDENS"] == "1"

  /// Checks `text` against `Goldens/<name>.txt`.
  static func check(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = folder.appending(path: name + ".txt")
    if isRecording { try Data(text.utf8).write(to: file) }
    guard let golden = try? Data(contentsOf: file) else {
      Issue.record(
        "Goldens/\(name).txt is missing; CAIRN_RECORD_GOLDENS=1 writes it",
        sourceLocation: sourceLocation)
      return
    }
    #expect(text == String(decoding: golden, as: UTF8.self), sourceLocation: sourceLocation)
  }
}
