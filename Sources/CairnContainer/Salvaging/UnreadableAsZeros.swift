// A failing disk's bytes: those that it no longer gives read as zeros.

import CairnSystem

/// The bytes of a source, with zeros in place of those that the system cannot read.
///
/// Whatever lies there has a checksum that zeros do not have, so it counts as damaged; what lies
/// around it is still read.
struct UnreadableAsZeros: ByteSource {
  private let base: any ByteSource
  /// Sectors and pages are no smaller.
  private static let grain = 4_096

  init(_ base: any ByteSource) { self.base = base }

  var count: Int { base.count }
  var path: String? { base.path }
  var memory: ByteRegion? { base.memory }

  func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    do throws(CairnError) {
      try base.read(at: offset, into: &bytes)
    } catch {
      guard error.code == .inputOutput else { throw error }
      try readInGrains(at: offset, into: &bytes)
    }
  }

  private func readInGrains(
    at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let count = bytes.count
    var done = 0
    while done < count {
      let step = min(Self.grain - (offset + done) % Self.grain, count - done)
      try bytes.withPart(done..<done + step) { (part) throws(CairnError) in
        do throws(CairnError) {
          try base.read(at: offset + done, into: &part)
        } catch {
          guard error.code == .inputOutput else { throw error }
          for index in part.indices { part[index] = 0 }
        }
      }
      done += step
    }
  }
}

extension CairnError {
  /// Whether it says that bytes are not what they should be, rather than that they could not be had.
  var isDamage: Bool {
    switch code {
    case .changedWhileReading, .inputOutput, .outOfMemory, .interrupted: false
    default: true
    }
  }

  /// What `body` gives, or nil if what it reads is damaged.
  ///
  /// - Throws: what has nothing to do with the content.
  static func unlessDamaged<R>(_ body: () throws(CairnError) -> R) throws(CairnError) -> R? {
    do throws(CairnError) { return try body() } catch {
      guard error.isDamage else { throw error }
      return nil
    }
  }
}
