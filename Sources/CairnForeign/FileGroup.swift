// A checkpoint of several files, of which one names the others: they appear together.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Files being written, none of which takes its place before all are whole; the index comes last.
///
/// A file system replaces one file in one step, not several. So that no moment shows an old index over new
/// files, an old index is removed before the first of the files takes its place: whoever is interrupted
/// between then and the end finds no checkpoint, never a mixture of two.
struct FileGroup {
  private let indexPath: String
  private let options: WriteOptions
  /// The options of each file for itself.
  private let alone: WriteOptions
  private let index: AtomicFile
  private var parts: [AtomicFile] = []

  /// A group whose index will be at `indexPath`.
  ///
  /// - Throws: as `AtomicFile`.
  init(index indexPath: String, options: WriteOptions) throws(CairnError) {
    self.indexPath = indexPath
    self.options = options
    var alone = options
    // They are proven together.
    alone.proof = nil
    self.alone = alone
    index = try alone.file(at: indexPath)
  }

  /// A further file.
  mutating func part(_ path: String) throws(CairnError) -> AtomicFile {
    let file = try alone.file(at: path)
    parts.append(file)
    return file
  }

  /// Writes the index and puts everything in its place.
  ///
  /// - Returns: The bytes of all files.
  func commit(index bytes: [UInt8]) throws(CairnError) -> Int {
    try index.append(bytes.span)
    if let proof = options.proof {
      for part in parts { try part.stage() }
      try index.stage()
      try proof(AtomicFile.staged(parts + [index], over: options.files))
    }
    do throws(SystemError) { try removeOldIndex() } catch {
      throw error.error("remove the old index", path: indexPath)
    }
    for part in parts { try part.commit() }
    try index.commit()
    return parts.reduce(index.byteCount) { $0.addingSaturated($1.byteCount) }
  }

  private func removeOldIndex() throws(SystemError) {
    // A link stays, and what it names is replaced.
    guard let old = try? options.files.resolve(indexPath) else { return }
    try retrying { () throws(SystemError) in try options.files.unlink(old) }
  }
}

extension Int {
  /// The number with at least five digits, as the names of a checkpoint's files have it.
  var fiveDigits: String {
    let text = "\(self)"
    return String(repeating: "0", count: Swift.max(0, 5 - text.utf8.count)) + text
  }
}
