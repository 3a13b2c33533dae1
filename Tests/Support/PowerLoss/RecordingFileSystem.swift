// The real file system, with everything that changes files written down.

package import CairnSystem
import Foundation

/// Passes every call on to the system and keeps the history of one folder.
package final class RecordingFileSystem: FileSystem {
  private struct State {
    var history: FileHistory
    /// The names as they are now.
    var names: [String: Int]
    var nextFile: Int
    var files: [Int32: (number: Int, position: Int)] = [:]
    var folders: [Int32: String] = [:]
  }

  private let system = SystemFileSystem()
  private let state: Lock<State>
  /// Each write takes what is left to the next multiple of so many bytes in the file.
  private let step: Int

  /// A recorder that takes what is in `folder` for durable.
  package init(folder: TestFolder, step: Int = .max) throws {
    var history = FileHistory()
    for (number, name) in try folder.names().enumerated() {
      let path = folder.file(name)
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      history.names[path] = number
      history.contents[number] = [UInt8](try Data(contentsOf: URL(filePath: path)))
    }
    state = Lock(
      State(
        history: history, names: history.names, nextFile: (history.names.values.max() ?? -1) + 1)
    )
    self.step = step
  }

  /// What was done until now.
  package var history: FileHistory { state.withLock { $0.history } }

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try system.openForReading(path)
  }

  package func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    let descriptor = try system.create(path, permissions: permissions)
    state.withLock { state in
      state.files[descriptor] = (state.nextFile, 0)
      state.names[path] = state.nextFile
      state.history.contents[state.nextFile] = []
      state.history.events.append(.create(path: path, file: state.nextFile))
      state.nextFile += 1
    }
    return descriptor
  }

  package func openFolder(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = try system.openFolder(path)
    state.withLock { $0.folders[descriptor] = path }
    return descriptor
  }

  package func close(_ descriptor: Int32) throws(SystemError) {
    state.withLock { state in
      state.files[descriptor] = nil
      state.folders[descriptor] = nil
    }
    try system.close(descriptor)
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try system.status(of: descriptor)
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    try system.status(at: path)
  }

  package func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int {
    try system.read(descriptor, at: offset, into: &bytes)
  }

  package func map(_ descriptor: Int32, byteCount: Int) throws(SystemError) -> Storage {
    try system.map(descriptor, byteCount: byteCount)
  }

  package func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    let position = state.withLock { $0.files[descriptor]?.position ?? 0 }
    let part = bytes.extracting(0..<min(bytes.count, step - position % step))
    let count = try system.write(descriptor, part)
    let written = part.extracting(0..<count).array
    state.withLock { state in
      guard let file = state.files[descriptor] else { return }
      state.history.events.append(
        .write(file: file.number, offset: file.position, bytes: written))
      state.files[descriptor]?.position += count
    }
    return count
  }

  /// Room alone changes nothing that a reader could see.
  package func reserve(
    _ descriptor: Int32, at offset: Int, byteCount: Int
  ) throws(SystemError) {
    try system.reserve(descriptor, at: offset, byteCount: byteCount)
  }

  /// Files are only ever truncated to the length that they have.
  package func truncate(_ descriptor: Int32, to byteCount: Int) throws(SystemError) {
    try system.truncate(descriptor, to: byteCount)
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) {
    try system.synchronize(descriptor)
    state.withLock { state in
      if let file = state.files[descriptor] {
        state.history.events.append(.synchronize(file: file.number))
      } else if let folder = state.folders[descriptor] {
        state.history.events.append(.synchronizeFolder(path: folder))
      }
    }
  }

  package func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError) {
    try system.setPermissions(descriptor, permissions)
  }

  package func rename(_ from: String, to: String) throws(SystemError) {
    try system.rename(from, to: to)
    state.withLock { state in
      guard let file = state.names[from] else { return }
      state.names[from] = nil
      state.names[to] = file
      state.history.events.append(.rename(from: from, to: to, file: file))
    }
  }

  package func link(_ from: String, to: String) throws(SystemError) {
    try system.link(from, to: to)
    state.withLock { state in
      guard let file = state.names[from] else { return }
      state.names[to] = file
      state.history.events.append(.link(path: to, file: file))
    }
  }

  package func unlink(_ path: String) throws(SystemError) {
    try system.unlink(path)
    state.withLock { state in
      state.names[path] = nil
      state.history.events.append(.unlink(path: path))
    }
  }

  package func readLink(_ path: String) throws(SystemError) -> String {
    try system.readLink(path)
  }

  package func names(in folder: String, limit: Int) throws(SystemError) -> [String] {
    try system.names(in: folder, limit: limit)
  }

  package func resolve(_ path: String) throws(SystemError) -> String { try system.resolve(path) }
}
