// Replacing a file so that at every moment either the old or the new one is there, whole:
// temporary file in the same folder, write, fsync, rename, fsync of the folder.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
import Synchronization

/// What a save promises once it has returned.
public enum Durability: String, Sendable, CaseIterable {
  /// The file and its folder are synchronised: the new file survives a loss of power.
  case synchronized
  /// No fsync: after a loss of power the file may be the old one, or incomplete, which the checksums
  /// of a container find when it is read, and a format without checksums cannot. The rename is made
  /// all the same, so a crash of the program alone loses nothing.
  case none
}

/// A check that written files must pass once they are durable, before they replace what is there.
/// It sees them as if they were in their places. If it throws, the save ends and everything that
/// was there stays as it was.
package typealias SaveProof = @Sendable (StagedFiles) throws(CairnError) -> Void

/// A file being written that takes its target's place when it is committed, and vanishes when not.
///
/// For one thread at a time.
package final class AtomicFile: ByteSink {
  private let files: any FileSystem
  private let givenPath: String
  private let target: ReplacementTarget
  private let temporary: String
  private let replacing: Bool
  private let durability: Durability
  private let proof: SaveProof?
  private var descriptor: Int32
  private var temporaryExists = true
  private var failed = false
  private var isStaged = false
  /// The bytes that were appended.
  package private(set) var byteCount = 0
  /// The end of the room that has been reserved on the disk.
  private var reservedEnd = 0
  private var canReserve = true

  /// A temporary file beside `path`. A symbolic link is followed, also one that dangles: what it
  /// names will be made or replaced.
  ///
  /// A file that is replaced hands its mode on (but set-user-ID and its like, which were granted to
  /// other content and perhaps another owner). Owner and further attributes are those of a new file.
  ///
  /// - Throws: `alreadyExists` if `replacing` is false and the file is there; `notARegularFile`,
  ///   `notFound` (of the folder), `permissionDenied`, `noSpace`, `invalidArgument` for a path that
  ///   the system cannot take.
  package init(
    path: String, replacing: Bool = true, durability: Durability = .synchronized,
    files: any FileSystem = SystemFileSystem(), proof: SaveProof? = nil
  ) throws(CairnError) {
    self.proof = proof
    self.files = files
    givenPath = path
    self.replacing = replacing
    self.durability = durability
    try checkPath(path)
    target = try ReplacementTarget(path: path, replacing: replacing, files: files)
    (temporary, descriptor) = try Self.create(beside: target, path: path, files: files)
    if let permissions = target.permissions {
      do throws(SystemError) {
        // The umask may have taken bits away. Some file systems know no modes and refuse to set
        // any: ask only for a change.
        let made = try retrying { () throws(SystemError) in try files.status(of: descriptor) }
        if made.permissions & 0o777 != permissions {
          try retrying { () throws(SystemError) in
            try files.setPermissions(descriptor, permissions)
          }
        }
      } catch {
        // Every property is set, so `deinit` discards the file.
        throw error.error("keep the file's mode", path: path)
      }
    }
  }

  /// The path as the caller gave it, for messages.
  package var path: String? { givenPath }

  deinit { discard() }

  private static let counter = Atomic<Int>(0)

  private static func create(
    beside target: ReplacementTarget, path: String, files: any FileSystem
  ) throws(CairnError) -> (path: String, descriptor: Int32) {
    // A name may have 255 bytes; the rest of ours takes up to 50.
    let stem = String(decoding: target.name.utf8.prefix(180), as: UTF8.self)
    var attempt = 0
    while true {
      // Process id and a counter: unique among the living; a leftover of a dead process is skipped.
      let serial = counter.add(1, ordering: .relaxed).newValue
      let candidate = "\(target.folder)/.\(stem).\(getpid()).\(serial).tmp"
      do throws(SystemError) {
        // Whoever may not read the old file must not be able to read the new one either, not even
        // for a moment.
        let descriptor = try retrying { () throws(SystemError) in
          try files.create(candidate, permissions: target.permissions ?? 0o666)
        }
        return (candidate, descriptor)
      } catch {
        attempt += 1
        if error.number == EEXIST, attempt < 1_000 { continue }
        throw error.error("create a file in \(target.folder)", path: path)
      }
    }
  }

  private func closeDescriptor() throws(SystemError) {
    guard descriptor >= 0 else { return }
    let closing = descriptor
    // Whatever close says, the descriptor is gone: a second close could hit another thread's file.
    descriptor = -1
    do throws(SystemError) { try files.close(closing) } catch .interrupted {} catch { throw error }
  }

  private func removeTemporary() {
    guard temporaryExists else { return }
    do throws(SystemError) {
      try files.unlink(temporary)
      temporaryExists = false
    } catch {
      // If this failed, `deinit` tries once more.
      temporaryExists = error.number != ENOENT
    }
  }

  /// Removes the temporary file, if it is still there; the target stays as it is.
  package func discard() {
    try? closeDescriptor()
    removeTemporary()
  }

  private func checkUsable() throws(CairnError) {
    guard descriptor >= 0, !failed else {
      throw CairnError(
        .invalidArgument, "the file was committed already, or an earlier write to it failed",
        at: .init(file: givenPath), advice: "Begin the save anew")
    }
  }

  /// Appends `bytes`.
  ///
  /// - Throws: `noSpace`, `inputOutput`; after that the file can only be discarded.
  package func append(_ bytes: Span<UInt8>) throws(CairnError) {
    try checkUsable()
    reserve(for: bytes.count)
    var done = 0
    while done < bytes.count {
      do throws(CairnError) { try Cancellation.check() } catch {
        failed = true
        throw error
      }
      let end = done + min(Cancellation.callByteCount, bytes.count - done)
      do throws(SystemError) {
        let put = try files.write(descriptor, bytes.extracting(done..<end))
        // A write that takes nothing and reports nothing would make this loop endless.
        guard put > 0 else { throw SystemError.inputOutput }
        done += put
      } catch .interrupted {
        continue
      } catch {
        failed = true
        throw error.error("write", path: givenPath).located(offset: UInt64(byteCount + done))
      }
    }
    byteCount += done
  }

  /// Room is taken ahead of the bytes in steps of this size, once a file is larger than an eighth of it.
  package static let reservation = 32 << 20

  /// Reserves room on the disk for the next `count` bytes and for what comes after them: a file
  /// system that has chosen the blocks beforehand takes the bytes faster than one that counts each
  /// page.
  private func reserve(for count: Int) {
    guard canReserve, byteCount + count > max(reservedEnd, Self.reservation / 8) else { return }
    let start = max(reservedEnd, byteCount)
    // Set even if the call fails: it may have reserved some of it.
    reservedEnd = start + count + Self.reservation
    do throws(SystemError) {
      try files.reserve(descriptor, at: start, byteCount: reservedEnd - start)
    } catch {
      // The file system may be unable to reserve, or nearly full: writing the bytes will show.
      canReserve = false
    }
  }

  /// Gives back the room that was taken and is not needed.
  private func trim() throws(SystemError) {
    guard reservedEnd > byteCount else { return }
    try retrying { () throws(SystemError) in try files.truncate(descriptor, to: byteCount) }
  }

  /// Makes the file durable and puts it in its target's place.
  ///
  /// A failed fsync is a failed save and is not tried again: after it the kernel may have dropped
  /// the very pages that it could not write. (One that a signal interrupted has not failed, and
  /// goes on.) If the folder's fsync fails, the new file is in place but not known to be durable,
  /// and the error says so.
  ///
  /// - Throws: `noSpace`, `inputOutput`; `alreadyExists` if the file was not to be replaced and has
  ///   come into being meanwhile; `invalidArgument` after an earlier failure. The temporary file is
  ///   gone then.
  package func commit() throws(CairnError) {
    try stage()
    do throws(CairnError) {
      if let proof { try proof(Self.staged([self], over: files)) }
      // The last moment at which nothing has happened yet.
      try Cancellation.check()
    } catch {
      discard()
      throw error
    }
    do throws(SystemError) {
      if replacing {
        let old = holdReplaced()
        defer { release(old) }
        try files.rename(temporary, to: target.path)
        temporaryExists = false
      } else {
        // Unlike rename, link fails if the name is taken, however late that happened.
        try files.link(temporary, to: target.path)
        removeTemporary()
      }
    } catch {
      discard()
      throw error.error("put the new file in place", path: givenPath)
    }
    if durability == .synchronized { try synchronizeFolder() }
  }

  /// Makes the file durable, and leaves it where it is. ``commit()`` does so too if it was not done.
  ///
  /// - Throws: as ``commit()``.
  package func stage() throws(CairnError) {
    // One that was committed is not there any longer.
    if isStaged, temporaryExists { return }
    try checkUsable()
    do throws(SystemError) {
      try trim()
      if durability == .synchronized { try synchronize(descriptor) }
      try closeDescriptor()
      isStaged = true
    } catch {
      discard()
      throw error.error("put the new file in place", path: givenPath)
    }
  }

  /// A file system that shows these staged files as if they were in their places.
  package static func staged(_ parts: [AtomicFile], over files: any FileSystem) -> StagedFiles {
    var places: [ByteKey: String] = [:]
    for part in parts { places[ByteKey(part.target.path)] = part.temporary }
    return StagedFiles(places, over: files)
  }

  /// From this length on it pays to let another thread free what the old file holds.
  package static let largeFile = 16 << 20

  /// Opens the file that is about to be replaced, if it is large. While it is open its pages stay,
  /// so that the rename need not free them: for a file in the page cache, freeing them takes longer
  /// than writing the new file's bytes (`make bench`).
  private func holdReplaced() -> Int32? {
    guard target.byteCount >= Self.largeFile else { return nil }
    // Someone who may replace a file may still not be allowed to read it; then the rename simply
    // takes longer.
    do throws(SystemError) { return try files.openForReading(target.path) } catch { return nil }
  }

  private func release(_ old: Int32?) {
    guard let old else { return }
    let files = files
    OwnThreads.leave { try? files.close(old) }
  }

  private func synchronize(_ descriptor: Int32) throws(SystemError) {
    try retrying { () throws(SystemError) in try files.synchronize(descriptor) }
  }

  private func synchronizeFolder() throws(CairnError) {
    do throws(SystemError) {
      let folder = try retrying { () throws(SystemError) in try files.openFolder(target.folder) }
      do throws(SystemError) {
        try synchronize(folder)
      } catch {
        try? files.close(folder)
        // Some network and user-space file systems have no such operation; there is none to wait for.
        if error.number == EINVAL || error.number == ENOTSUP { return }
        throw error
      }
      // Nothing was written through it.
      try? files.close(folder)
    } catch {
      throw error.error(
        "make the new file's name durable (the file itself is in place)", path: givenPath)
    }
  }
}
