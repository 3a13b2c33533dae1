// What a disk may hold after the power went, and why.
//
// The model is that of ALICE (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014) at
// its most permissive: what POSIX allows, not what one file system happens to do.
//
// - A file's bytes, its length and the names in a folder are separate things.
// - Before an fsync of the file each of its sectors that was written may have arrived or not, in any
//   order: any set of sectors is a legal remainder. A write that goes over several sectors is so
//   torn at any of them. What has not arrived is what was there before: zeros, in a new file.
// - A sector is whole or not at all. 512 bytes is the least that disks promise; 4,096 is a page,
//   the unit in which kernels write back.
// - The length may have grown to the end of any sector's part of a write, whether or not the bytes
//   arrived; bytes behind it cannot be seen.
// - An fsync of a file makes its bytes and length last, not its name.
// - Before an fsync of the folder each change of a name may have arrived or not, in any order, with
//   no regard to the bytes of the file. One change is whole or not at all: rename is atomic.

import CairnSystem

/// A loss of power at one moment of a history: what is safe, and what may have arrived.
package struct CrashPoint: Sendable {
  /// A part of a write that lies in one sector.
  struct Piece: Sendable {
    var file: Int
    var offset: Int
    var bytes: [UInt8]
    /// The number of the write.
    var write: Int
    var end: Int { offset + bytes.count }
  }

  /// What was durable.
  private(set) var names: [String: Int]
  private(set) var contents: [Int: [UInt8]]
  /// What was not: parts of writes, and changes of names, in the order of issue.
  private(set) var pieces: [Piece] = []
  private(set) var changes: [FileEvent] = []

  /// The state of `history` after its first `count` events, for sectors of `sector` bytes.
  package init(_ history: FileHistory, after count: Int, sector: Int) {
    names = history.names
    contents = history.contents
    for (number, event) in history.events[..<count].enumerated() {
      switch event {
      case .write(let file, let offset, let bytes):
        pieces += Self.pieces(file, offset, bytes, sector, write: number)
      case .synchronize(let file):
        var bytes = contents[file] ?? []
        let done = pieces.filter { $0.file == file }
        Self.apply(done, length: done.map(\.end).max() ?? 0, to: &bytes)
        contents[file] = bytes
        pieces.removeAll { $0.file == file }
      case .synchronizeFolder(let path):
        for change in changes where Self.folder(of: change) == path { Self.apply(change, &names) }
        changes.removeAll { Self.folder(of: $0) == path }
      case .create, .rename, .link, .unlink: changes.append(event)
      }
    }
  }

  private static func pieces(
    _ file: Int, _ offset: Int, _ bytes: [UInt8], _ sector: Int, write: Int
  ) -> [Piece] {
    var pieces: [Piece] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, ((offset + start) / sector + 1) * sector - offset)
      pieces.append(
        Piece(file: file, offset: offset + start, bytes: Array(bytes[start..<end]), write: write))
      start = end
    }
    return pieces
  }

  /// Lays `pieces` over a file's bytes, which then have at least `length` bytes.
  static func apply(_ pieces: [Piece], length: Int, to bytes: inout [UInt8]) {
    if bytes.count < length { bytes += [UInt8](repeating: 0, count: length - bytes.count) }
    let count = bytes.count
    var target = bytes.mutableSpan
    for piece in pieces where piece.offset < count {
      target.copy(
        piece.bytes.span.extracting(first: min(piece.end, count) - piece.offset), at: piece.offset)
    }
  }

  private static func apply(_ change: FileEvent, _ names: inout [String: Int]) {
    switch change {
    case .create(let path, let file), .link(let path, let file): names[path] = file
    case .rename(let from, let to, let file):
      if names[from] == file { names[from] = nil }
      names[to] = file
    case .unlink(let path): names[path] = nil
    case .write, .synchronize, .synchronizeFolder: break
    }
  }

  /// The folder whose fsync makes a change of names last; a save renames within one folder.
  private static func folder(of change: FileEvent) -> String? {
    switch change {
    case .create(let path, _), .link(let path, _), .unlink(let path), .rename(_, let path, _):
      CairnTestSupport.folder(of: path)
    case .write, .synchronize, .synchronizeFolder: nil
    }
  }

  /// The one file that has parts of writes under way; a save writes one.
  var file: Int? { pieces.first?.file }

  /// The lengths that the file under way may have, ascending.
  var lengths: [Int] {
    guard let file else { return [0] }
    let safe = contents[file]?.count ?? 0
    return Set(pieces.map { max(safe, $0.end) } + [safe]).sorted()
  }

  /// The bytes of the file under way with some parts arrived, and `length` bytes.
  func bytes(keeping kept: [Piece], length: Int) -> [UInt8] {
    guard let file else { return [] }
    var bytes = contents[file] ?? []
    Self.apply(kept, length: length, to: &bytes)
    return bytes
  }

  /// The names with those changes made whose bits are set in `mask`.
  func names(changing mask: Int) -> [String: Int] {
    var names = names
    for (number, change) in changes.enumerated() where mask >> number & 1 == 1 {
      Self.apply(change, &names)
    }
    return names
  }

  /// The state of the disk with those names and those bytes of the file under way.
  func state(_ names: [String: Int], _ bytes: [UInt8]) -> CrashState {
    CrashState(
      files: names.mapValues { number in
        number == file ? bytes : contents[number] ?? []
      })
  }
}

/// What is found after a loss of power: the bytes of each file, by absolute path.
package struct CrashState: Hashable, Sendable {
  package var files: [String: [UInt8]]
}
