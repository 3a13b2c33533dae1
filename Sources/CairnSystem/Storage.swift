// Memory that holds tensors: aligned, possibly on huge pages, possibly a mapped file.
//
// One of the few files with unsafe code. The invariant that bounds every access: `base` points to
// `byteCount` bytes that stay allocated (or mapped) until `deinit`, and spans over them never leave
// the closure they are given to.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of bytes with one owner at a time for writing, or any number for reading.
///
/// Blocks of ``hugePageThreshold`` bytes and more lie on 2-MiB boundaries in fresh pages with
/// huge-page advice where the system has it: first touch of fresh 4-KiB pages costs several times
/// the copy itself (`cairn demo` prints both rates side by side).
///
/// `@unchecked Sendable`: the bytes are written only through `withMutableBytes`, whose callers
/// (`Tensor`, readers that fill a block before they publish it) hold the only reference.
@safe package final class Storage: @unchecked Sendable {
  private enum Origin { case allocated, mapped(length: Int) }

  private let base: UnsafeMutableRawPointer
  private let origin: Origin
  package let byteCount: Int
  /// False for a mapped file: a write would be lost or fault.
  package let isWritable: Bool

  /// From this size on a block gets pages of its own.
  package static let hugePageThreshold = 4 << 20
  package static let hugePageByteCount = 2 << 20
  package static let alignment = 64

  /// A block of `byteCount` bytes, all zero if `zeroed` (otherwise the caller fills them all before
  /// anybody reads).
  ///
  /// - Throws: `outOfMemory`, `invalidArgument` for a negative size.
  package init(byteCount: Int, zeroed: Bool, hugePages: Bool = true) throws(CairnError) {
    guard byteCount >= 0 else {
      throw CairnError(.invalidArgument, "a block cannot have \(byteCount) bytes")
    }
    if let gate = Self.gate, !gate.admits(byteCount: byteCount) { throw Self.exhausted(byteCount) }
    self.byteCount = byteCount
    self.isWritable = true
    if byteCount >= Self.hugePageThreshold {
      // Fresh anonymous pages are zero already. Reserve one huge page more than needed, so that a
      // 2-MiB boundary lies inside, and give the margins back. What goes into the last huge page gets
      // one if it fills half of it, else ordinary pages.
      let huge = Self.hugePageByteCount
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      // `length` is less than a huge page longer than `byteCount`.
      guard byteCount.adding(2 * huge) != nil else {
        throw Self.exhausted(byteCount)
      }
      let tail = byteCount % huge
      let length =
        tail < huge / 2 ? (byteCount + page - 1) / page * page : byteCount - tail + huge
      let padded = length + huge
      let map = unsafe mmap(
        nil, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | Self.anonymous, -1, 0)
      guard let map = unsafe map, unsafe map != MAP_FAILED else { throw Self.exhausted(byteCount) }
      // SAFETY: `start` is the first 2-MiB boundary in the mapping; start + length <= map + padded,
      // because at most huge - 1 bytes are skipped and padded is length + huge.
      let skip = (huge - Int(bitPattern: map) & (huge - 1)) & (huge - 1)
      let start = unsafe map + skip
      if skip > 0 { _ = unsafe munmap(map, skip) }
      _ = unsafe munmap(start + length, huge - skip)
      #if os(Linux)
        // Advice only: where it is refused, the pages are ordinary ones.
        _ = unsafe madvise(start, length, hugePages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)
      #endif
      unsafe self.base = start
      self.origin = .mapped(length: length)
    } else {
      var pointer: UnsafeMutableRawPointer?
      guard unsafe posix_memalign(&pointer, Self.alignment, max(byteCount, 1)) == 0,
        let pointer = unsafe pointer
      else { throw Self.exhausted(byteCount) }
      if zeroed { unsafe pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
      unsafe self.base = pointer
      self.origin = .allocated
    }
  }

  /// The whole of an open file, mapped for reading.
  ///
  /// Reading a page of a file that was truncated meanwhile raises SIGBUS: that is the price of a
  /// map, and why it is opt-in.
  package init(mapping descriptor: Int32, byteCount: Int) throws(SystemError) {
    self.byteCount = byteCount
    self.isWritable = false
    guard byteCount > 0 else {
      // mmap refuses length 0; an empty block needs an address all the same.
      var pointer: UnsafeMutableRawPointer?
      guard unsafe posix_memalign(&pointer, Self.alignment, 1) == 0, let pointer = unsafe pointer
      else { throw SystemError(ENOMEM) }
      unsafe self.base = pointer
      self.origin = .allocated
      return
    }
    let map = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let map = unsafe map, unsafe map != MAP_FAILED else { throw SystemError(errno) }
    unsafe self.base = map
    self.origin = .mapped(length: byteCount)
  }

  deinit {
    switch origin {
    case .allocated: unsafe free(base)
    case .mapped(let length): _ = unsafe munmap(base, length)
    }
  }

  private static var anonymous: Int32 {
    #if os(Linux)
      MAP_ANONYMOUS
    #else
      MAP_ANON
    #endif
  }

  private static func exhausted(_ byteCount: Int) -> CairnError {
    CairnError(
      .outOfMemory, "the system has no block of \(byteCount) bytes to give",
      advice: "Read the tensors one at a time, or in slices")
  }

  /// Makes sure that the system would give `byteCount` more bytes.
  ///
  /// If the system refuses what `Array` and `String` ask for, the process ends; so code that is
  /// about to make many of them asks here first. Nothing is kept, so success is only likely: other
  /// threads take memory too.
  ///
  /// - Throws: `outOfMemory`.
  package static func checkRoom(_ byteCount: Int) throws(CairnError) {
    if let gate = Self.gate, !gate.admits(byteCount: byteCount) { throw exhausted(byteCount) }
    // Separate pages, not the heap's, because the heap would keep them. They must not be touched.
    let map = unsafe mmap(nil, max(1, byteCount), PROT_NONE, MAP_PRIVATE | Self.anonymous, -1, 0)
    guard let map = unsafe map, unsafe map != MAP_FAILED else { throw exhausted(byteCount) }
    _ = unsafe munmap(map, max(1, byteCount))
  }

  /// The address of the first byte, for telling blocks apart and for zero-copy proofs.
  package var address: UInt { UInt(bitPattern: unsafe base) }

  /// Runs `body` on the bytes of `range`.
  ///
  /// - Precondition: `range` lies within the block.
  package func withBytes<R: ~Copyable, E: Error>(
    in range: Range<Int>, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "range outside block")
    // SAFETY: the range was just checked against `byteCount`; `self` outlives the closure.
    let bytes = unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(Span(_unsafeBytes: bytes))
  }

  /// Runs `body` on the bytes of `range`, for writing. The caller holds the only reference.
  ///
  /// - Precondition: `range` lies within the block, and the block is writable.
  package func withMutableBytes<R: ~Copyable, E: Error>(
    in range: Range<Int>, _ body: (inout MutableSpan<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    precondition(isWritable, "a mapped file is not writable")
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "range outside block")
    // SAFETY: the range was just checked against `byteCount`; `self` outlives the closure; the
    // caller's uniqueness makes the access exclusive.
    let bytes = unsafe UnsafeMutableRawBufferPointer(
      start: base + range.lowerBound, count: range.count)
    var span = unsafe MutableSpan<UInt8>(_unsafeBytes: bytes)
    return try body(&span)
  }
}

/// The bytes of address space that the process may still take (`ulimit -v`); `Int.max` without a limit.
package func addressSpaceLeft() -> Int {
  var limit = rlimit()
  #if canImport(Glibc)
    let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
  #else
    let resource = RLIMIT_AS
  #endif
  // SAFETY: the pointer is to a whole local `rlimit`, valid for the call.
  guard unsafe getrlimit(resource, &limit) == 0, let most = Int(exactly: limit.rlim_cur) else {
    return .max
  }
  // Without a limit the number is the largest that there is.
  guard most < Int.max / 2 else { return .max }
  return max(0, most - (addressSpaceTaken() ?? 0))
}

/// The first number of `/proc/self/statm` is the process's size in pages (proc(5)).
private func addressSpaceTaken() -> Int? {
  let files = SystemFileSystem()
  guard let descriptor = try? files.openForReading("/proc/self/statm") else { return nil }
  defer { try? files.close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 64)
  var span = bytes.mutableSpan
  guard let count = try? files.read(descriptor, at: 0, into: &span) else { return nil }
  let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
  guard let pages = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
  return pages.multiplied(by: Int(sysconf(Int32(_SC_PAGESIZE))))
}
