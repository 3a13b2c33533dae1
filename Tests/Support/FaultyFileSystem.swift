// The real file system, recorded, with one call that fails.

package import CairnSystem

/// Passes every call on to the system, writes down what was called, counts open descriptors, and
/// fails call number `failing` with `number` instead of making it.
package final class FaultyFileSystem: FileSystem {
  private struct State {
    var calls: [String] = []
    var open: Set<Int32> = []
    var hasFailed = false
  }

  private let system = SystemFileSystem()
  private let state = Lock(State())
  private let failing: Int?
  private let number: Int32
  /// The most bytes that one call of `write` takes or one of `read` gives.
  private let mostAtOnce: Int

  package init(
    failing: Int? = nil, with number: Int32 = SystemError.inputOutput.number, mostAtOnce: Int = .max
  ) {
    self.failing = failing
    self.number = number
    self.mostAtOnce = mostAtOnce
  }

  package var calls: [String] { state.withLock { $0.calls } }
  package var openCount: Int { state.withLock { $0.open.count } }
  package var hasFailed: Bool { state.withLock { $0.hasFailed } }

  /// The call that failed.
  package var failedCall: String? { failing.flatMap { hasFailed ? calls[$0 - 1] : nil } }

  private func enter(_ call: String) throws(SystemError) {
    let fails = state.withLock { state in
      state.calls.append(call)
      if state.calls.count == failing { state.hasFailed = true }
      return state.calls.count == failing
    }
    if fails { throw SystemError(number) }
  }

  private func opened(_ descriptor: Int32) -> Int32 {
    state.withLock { _ = $0.open.insert(descriptor) }
    return descriptor
  }

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try enter("open")
    return opened(try system.openForReading(path))
  }

  package func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    try enter("create")
    return opened(try system.create(path, permissions: permissions))
  }

  package func openFolder(_ path: String) throws(SystemError) -> Int32 {
    try enter("openFolder")
    return opened(try system.openFolder(path))
  }

  package func close(_ descriptor: Int32) throws(SystemError) {
    let wasOpen = state.withLock { $0.open.remove(descriptor) != nil }
    precondition(wasOpen, "closed what is not open")
    // As on Linux: even a close that fails closes.
    try system.close(descriptor)
    try enter("close")
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try enter("fstat")
    return try system.status(of: descriptor)
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    try enter("stat")
    return try system.status(at: path)
  }

  package func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int {
    try enter("read")
    let count = min(bytes.count, mostAtOnce)
    return try bytes.withPart(0..<count) { (part) throws(SystemError) in
      try system.read(descriptor, at: offset, into: &part)
    }
  }

  package func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    try enter("write")
    return try system.write(descriptor, bytes.extracting(0..<min(bytes.count, mostAtOnce)))
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) {
    try enter("fsync")
    try system.synchronize(descriptor)
  }

  package func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError) {
    try enter("chmod")
    try system.setPermissions(descriptor, permissions)
  }

  package func rename(_ from: String, to: String) throws(SystemError) {
    try enter("rename")
    try system.rename(from, to: to)
  }

  package func link(_ from: String, to: String) throws(SystemError) {
    try enter("link")
    try system.link(from, to: to)
  }

  package func unlink(_ path: String) throws(SystemError) {
    try enter("unlink")
    try system.unlink(path)
  }

  package func readLink(_ path: String) throws(SystemError) -> String {
    try enter("readlink")
    return try system.readLink(path)
  }

  package func resolve(_ path: String) throws(SystemError) -> String {
    try enter("realpath")
    return try system.resolve(path)
  }
}
