// SHA-256 (FIPS 180-4), by what the machine has for it. Unsafe code: passing spans to the kernels in C.

internal import CCairnKernels

/// A hash of bytes that come in parts of any size.
package struct SHA256: Sendable {
  /// The bytes of a digest.
  package static let byteCount = 32

  private var hash = cairn_sha256_hash()

  package init(_ way: Way = .best) {
    unsafe cairn_sha256_begin(&hash, way.rawValue)
  }

  package mutating func update(_ bytes: Span<UInt8>) {
    // The call reads exactly `count` bytes.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      unsafe cairn_sha256_update(&hash, base, buffer.count)
    }
  }

  /// The digest of what came so far; more may follow.
  package func finalize() -> [UInt8] {
    var hash = hash
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    // The call writes 32 bytes.
    unsafe cairn_sha256_finish(&hash, &digest)
    return digest
  }

  /// The digest of `bytes`.
  package static func digest(of bytes: Span<UInt8>, _ way: Way = .best) -> [UInt8] {
    var hash = SHA256(way)
    hash.update(bytes)
    return hash.finalize()
  }

  /// The digests of the parts of `size` bytes that `bytes` consist of, several of them at once: that
  /// is quicker than one after the other.
  ///
  /// - Precondition: `bytes` consist of whole parts.
  package static func digests(
    ofPartsOf size: Int, in bytes: Span<UInt8>, _ way: Way = .best
  ) -> [[UInt8]] {
    precondition(size > 0 && bytes.count % size == 0, "the bytes are no whole number of parts")
    let count = bytes.count / size
    var digests = [UInt8](repeating: 0, count: count * byteCount)
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      // Each part ends where the next begins, the last where the bytes do; 32 bytes a part are written.
      let parts = unsafe (0..<count).map { unsafe base + $0 * size }
      unsafe cairn_sha256_many(way.rawValue, parts, count, size, &digests)
    }
    return (0..<count).map { Array(digests[$0 * byteCount..<($0 + 1) * byteCount]) }
  }
}

extension SHA256 {
  /// How it is done; the digests are the same.
  package struct Way: Sendable, Equatable, CustomStringConvertible {
    fileprivate let rawValue: Int32
    package let description: String

    /// All that any machine has.
    private static let known = [
      Way(rawValue: Int32(CAIRN_SHA256_PLAIN), description: "plain C"),
      Way(rawValue: Int32(CAIRN_SHA256_SHANI), description: "SHA-NI"),
      Way(rawValue: Int32(CAIRN_SHA256_AVX2), description: "AVX2"),
      Way(rawValue: Int32(CAIRN_SHA256_AVX512), description: "AVX-512"),
      Way(rawValue: Int32(CAIRN_SHA256_ARM), description: "ARMv8"),
    ]

    /// What this machine has.
    package static let available = known.filter { cairn_sha256_has($0.rawValue) != 0 }

    /// The quickest that this machine has.
    package static let best =
      available.first { $0.rawValue == cairn_sha256_best() } ?? known[0]

    /// How many messages it takes at once.
    package var lanes: Int { Int(cairn_sha256_lanes(rawValue)) }
  }
}
