// The real file system, recorded, with one call that fails.

package import CairnSystem

/// What happens to one call on files.
package enum Fault: Hashable, Sendable {
  /// It is not made, and fails with that number of the system's.
  case refused(Int32)
  /// It is made, and reported as failed all the same, as a network may. Of calls that open nothing.
  case denied(Int32)
  /// It moves so many bytes at most. Of reads and writes, which alone are counted then.
  case short(Int)
}

/// Passes every call but fsync on to the system, writes down what was called, counts open descriptors, and
/// lets call number `failing` meet a fault.
package final class FaultyFileSystem: FileSystem {
  private struct State {
    var calls: [String] = []
    var counted = 0
    var open: Set<Int32> = []
    var failedCall: String?
    var maps: [WeakStorage] = []
  }

  /// A mapped file, watched without being kept.
  private final class WeakStorage: Sendable {
    // SAFETY of `nonisolated(unsafe)`: set once, in `init`; reading a weak reference is atomic.
    nonisolated(unsafe) private(set) weak var storage: Storage?
    init(_ storage: Storage) { unsafe self.storage = storage }
  }

  private let system = SystemFileSystem()
  private let state = Lock(State())
  private let failing: Int?
  private let fault: Fault
  /// The most bytes that one call of `write` takes or one of `read` gives.
  private let mostAtOnce: Int

  package init(failing: Int? = nil, fault: Fault, mostAtOnce: Int = .max) {
    self.failing = failing
    self.fault = fault
    self.mostAtOnce = mostAtOnce
  }

  package convenience init(
    failing: Int? = nil, with number: Int32 = SystemError.inputOutput.number, mostAtOnce: Int = .max
  ) {
    self.init(failing: failing, fault: .refused(number), mostAtOnce: mostAtOnce)
  }

  package var calls: [String] { state.withLock { $0.calls } }
  package var openCount: Int { state.withLock { $0.open.count } }
  /// Mapped files that something still refers to.
  package var mapCount: Int {
    state.withLock { $0.maps.count { unsafe $0.storage != nil } }
  }
  package var hasFailed: Bool { failedCall != nil }

  /// The call that met the fault.
  package var failedCall: String? { state.withLock { $0.failedCall } }

  /// Notes a call.
  ///
  /// - Returns: The fault, if this is the call that meets it.
  private func enter(_ call: String, isCounted: Bool) -> Fault? {
    state.withLock { state in
      state.calls.append(call)
      if isCounted { state.counted += 1 }
      guard isCounted, state.counted == failing else { return nil }
      state.failedCall = call
      return fault
    }
  }

  private var countsTransfersOnly: Bool {
    if case .short = fault { true } else { false }
  }

  /// A call that opens or tells something.
  private func asking<R>(
    _ call: String, _ body: () throws(SystemError) -> R
  ) throws(SystemError) -> R {
    if case .refused(let number) = enter(call, isCounted: !countsTransfersOnly) {
      throw SystemError(number)
    }
    return try body()
  }

  /// A call that changes something.
  private func changing(
    _ call: String, _ body: () throws(SystemError) -> Void
  ) throws(SystemError) {
    let fault = enter(call, isCounted: !countsTransfersOnly)
    if case .refused(let number) = fault { throw SystemError(number) }
    try body()
    if case .denied(let number) = fault { throw SystemError(number) }
  }

  /// A call that moves bytes; `body` is told how many at most.
  private func moving(
    _ call: String, _ wanted: Int, _ body: (Int) throws(SystemError) -> Int
  ) throws(SystemError) -> Int {
    let most = min(wanted, mostAtOnce)
    switch enter(call, isCounted: true) {
    case nil: return try body(most)
    case .refused(let number): throw SystemError(number)
    case .short(let count): return try body(min(most, count))
    case .denied(let number):
      _ = try body(most)
      throw SystemError(number)
    }
  }

  private func opened(_ descriptor: Int32) -> Int32 {
    state.withLock { _ = $0.open.insert(descriptor) }
    return descriptor
  }

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try asking("open") { () throws(SystemError) in opened(try system.openForReading(path)) }
  }

  package func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    try asking("create") { () throws(SystemError) in
      opened(try system.create(path, permissions: permissions))
    }
  }

  package func openFolder(_ path: String) throws(SystemError) -> Int32 {
    try asking("openFolder") { () throws(SystemError) in opened(try system.openFolder(path)) }
  }

  package func close(_ descriptor: Int32) throws(SystemError) {
    let wasOpen = state.withLock { $0.open.remove(descriptor) != nil }
    precondition(wasOpen, "closed what is not open")
    // As on Linux: even a close that fails closes.
    try system.close(descriptor)
    try changing("close") { () throws(SystemError) in }
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try asking("fstat") { () throws(SystemError) in try system.status(of: descriptor) }
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    try asking("stat") { () throws(SystemError) in try system.status(at: path) }
  }

  package func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int {
    try moving("read", bytes.count) { (most) throws(SystemError) in
      try bytes.withPart(0..<most) { (part) throws(SystemError) in
        try system.read(descriptor, at: offset, into: &part)
      }
    }
  }

  package func map(_ descriptor: Int32, byteCount: Int) throws(SystemError) -> Storage {
    try asking("mmap") { () throws(SystemError) in
      let storage = try system.map(descriptor, byteCount: byteCount)
      state.withLock { $0.maps.append(WeakStorage(storage)) }
      return storage
    }
  }

  package func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    try moving("write", bytes.count) { (most) throws(SystemError) in
      try system.write(descriptor, bytes.extracting(0..<most))
    }
  }

  package func reserve(
    _ descriptor: Int32, at offset: Int, byteCount: Int
  ) throws(SystemError) {
    try changing("fallocate") { () throws(SystemError) in
      try system.reserve(descriptor, at: offset, byteCount: byteCount)
    }
  }

  package func truncate(_ descriptor: Int32, to byteCount: Int) throws(SystemError) {
    try changing("ftruncate") { () throws(SystemError) in
      try system.truncate(descriptor, to: byteCount)
    }
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) {
    // Not really made: nothing but a loss of power can tell, and it takes its time.
    try changing("fsync") { () throws(SystemError) in }
  }

  package func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError) {
    try changing("chmod") { () throws(SystemError) in
      try system.setPermissions(descriptor, permissions)
    }
  }

  package func rename(_ from: String, to: String) throws(SystemError) {
    try changing("rename") { () throws(SystemError) in try system.rename(from, to: to) }
  }

  package func link(_ from: String, to: String) throws(SystemError) {
    try changing("link") { () throws(SystemError) in try system.link(from, to: to) }
  }

  package func unlink(_ path: String) throws(SystemError) {
    try changing("unlink") { () throws(SystemError) in try system.unlink(path) }
  }

  package func readLink(_ path: String) throws(SystemError) -> String {
    try asking("readlink") { () throws(SystemError) in try system.readLink(path) }
  }

  package func names(in folder: String, limit: Int) throws(SystemError) -> [String] {
    try asking("readdir") { () throws(SystemError) in try system.names(in: folder, limit: limit) }
  }

  package func resolve(_ path: String) throws(SystemError) -> String {
    try asking("realpath") { () throws(SystemError) in try system.resolve(path) }
  }
}
