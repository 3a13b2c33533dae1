// Saves, recorded call by call, to be played back with the power failing.

import Cairn
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// One way to save, and how large what is saved is.
struct RecordedSave: Sendable, CustomStringConvertible {
  /// Where the save goes, and what is there.
  enum Place: String, CaseIterable {
    case overOld, toNew, withoutReplacing, throughLink
  }

  let place: Place
  /// float32 elements.
  var elementCount = 100
  /// Each write ends where a multiple of so many bytes of the file does, or before.
  var writing = 512
  /// Raw: the same number of bytes with every zlib.
  var codec = WriteOptions.Codec.raw
  var durability = Durability.synchronized
  var isSafetensors = false

  var description: String {
    "\(place), \(elementCount) elements, \(codec), \(writing) bytes a write"
  }

  /// A history, and what it should lead to.
  struct Recording {
    var history: FileHistory
    var judge: DiskJudge
  }

  func record() throws -> Recording {
    let folder = try TestFolder()
    let target = folder.file("target")
    if place == .overOld || place == .throughLink {
      try write(seed: 1, to: target, SystemFileSystem())
    }
    let old = try folder.names() == [] ? nil : allBytes(FileBytes(path: target))
    if place == .throughLink { try folder.link("link", to: "target") }
    let files = try RecordingFileSystem(folder: folder, step: writing)
    try write(seed: 2, to: place == .throughLink ? folder.file("link") : target, files)
    let new = try allBytes(FileBytes(path: target))
    return Recording(
      history: files.history, judge: DiskJudge(target: target, old: old, new: new))
  }

  private func write(seed: UInt64, to path: String, _ files: any FileSystem) throws {
    var random = SeededNumbers(seed)
    let values = (0..<elementCount).map { _ in Float.random(in: -1...1, using: &random) }
    let source = try NamedTensors([("values", Tensor(values)), ("step", Tensor([Int64(seed)]))])
    var options = WriteOptions()
    options.threads = 1
    options.files = files
    options.codec = codec
    options.durability = durability
    options.replacing = place != .withoutReplacing
    var sink = try (isSafetensors ? CheckpointFormat.safetensors : .cairn)
      .writer(to: path, options: options)
    try sink.write(source)
  }
}

extension RecordedSave.Recording {
  /// Every moment at which the power may fail.
  func forEachPoint(sector: Int, _ body: (CrashPoint) throws -> Void) rethrows {
    for moment in history.momentsToFail {
      try body(CrashPoint(history, after: moment, sector: sector))
    }
  }

  /// Checks that all sets of the parts of writes can be counted out.
  func requireFewParts(sector: Int) throws {
    try forEachPoint(sector: sector) { try #require($0.pieceCount <= 14) }
  }

  /// Judges every legal state of every moment.
  func judgeAll(sector: Int) -> DiskJudge {
    var judge = judge
    forEachPoint(sector: sector) { point in point.forEachState { judge.look(at: $0) } }
    return judge
  }

  /// What stands at the target when the save has returned.
  func judgeTheEnd(sector: Int) -> DiskJudge {
    var judge = judge
    CrashPoint(history, after: history.events.count, sector: sector)
      .forEachState { judge.look(at: $0) }
    return judge
  }
}
