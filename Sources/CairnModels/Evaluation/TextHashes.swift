// The hashes of TensorFlow's string operations: `tf.strings.to_hash_bucket_fast` (FarmHash's
// `Fingerprint64`), `to_hash_bucket_strong` (SipHash-2-4) and `tf.sparse.cross_hashed`. All three
// must never change: files depend on them.

import CairnSystem

/// 64-bit hashes of the bytes of texts.
enum TextHashes {
  private static let k0: UInt64 = 0xc3a5_c85c_97cb_3127
  private static let k1: UInt64 = 0xb492_b66f_be98_f273
  private static let k2: UInt64 = 0x9ae1_6a3b_2f90_404f

  // MARK: - FarmHash

  /// FarmHash's `Fingerprint64`.
  static func fingerprint(_ text: [UInt8]) -> UInt64 {
    let count = text.count
    let factor = k2 &+ 2 &* UInt64(count)
    switch count {
    case 0: return k2
    case 1...3:
      let y = UInt64(text[0]) &+ UInt64(text[count >> 1]) << 8
      let z = UInt64(count) &+ UInt64(text[count - 1]) << 2
      return mixed((y &* k2) ^ (z &* k0)) &* k2
    case 4...7:
      let first = word(text, 0, bytes: 4)
      return joined(
        UInt64(count) &+ first << 3, word(text, count - 4, bytes: 4), factor)
    case 8...16:
      let a = word(text, 0) &+ k2
      let b = word(text, count - 8)
      let c = rotated(b, 37) &* factor &+ a
      let d = (rotated(a, 25) &+ b) &* factor
      return joined(c, d, factor)
    case 17...32:
      let a = word(text, 0) &* k1
      let b = word(text, 8)
      let c = word(text, count - 8) &* factor
      let d = word(text, count - 16) &* k2
      return joined(
        rotated(a &+ b, 43) &+ rotated(c, 30) &+ d, a &+ rotated(b &+ k2, 18) &+ c, factor)
    case 33...64: return middle(text, factor)
    default: return long(text)
    }
  }

  /// The hash of 33 to 64 bytes.
  private static func middle(_ text: [UInt8], _ factor: UInt64) -> UInt64 {
    let count = text.count
    let a = word(text, 0) &* k2
    let b = word(text, 8)
    let c = word(text, count - 8) &* factor
    let d = word(text, count - 16) &* k2
    let y = rotated(a &+ b, 43) &+ rotated(c, 30) &+ d
    let z = joined(y, a &+ rotated(b &+ k2, 18) &+ c, factor)
    let e = word(text, 16) &* factor
    let f = word(text, 24)
    let g = (y &+ word(text, count - 32)) &* factor
    let h = (z &+ word(text, count - 24)) &* factor
    return joined(
      rotated(e &+ f, 43) &+ rotated(g, 30) &+ h, e &+ rotated(f &+ a, 18) &+ g, factor)
  }

  /// The state that is carried from block to block of a long text.
  private struct Rounds {
    var x: UInt64
    var y: UInt64
    var z: UInt64
    var v: (UInt64, UInt64) = (0, 0)
    var w: (UInt64, UInt64) = (0, 0)

    /// Takes in the 64 bytes from `start` on; the last ones with another factor and weight.
    mutating func take(_ text: [UInt8], _ start: Int, factor: UInt64, weight: UInt64) {
      x = rotated(x &+ y &+ v.0 &+ word(text, start + 8), 37) &* factor
      y = rotated(y &+ v.1 &+ word(text, start + 48), 42) &* factor
      x ^= w.1 &* weight
      y = y &+ v.0 &* weight &+ word(text, start + 40)
      z = rotated(z &+ w.0, 33) &* factor
      v = weak(text, start, v.1 &* factor, x &+ w.0)
      w = weak(text, start + 32, z &+ w.1, y &+ word(text, start + 16))
      swap(&x, &z)
    }

    private func weak(
      _ text: [UInt8], _ start: Int, _ first: UInt64, _ second: UInt64
    ) -> (UInt64, UInt64) {
      let last = word(text, start + 24)
      var a = first &+ word(text, start)
      var b = rotated(second &+ a &+ last, 21)
      let c = a
      a = a &+ word(text, start + 8) &+ word(text, start + 16)
      b = b &+ rotated(a, 44)
      return (a &+ last, b &+ c)
    }
  }

  /// The hash of more than 64 bytes.
  private static func long(_ text: [UInt8]) -> UInt64 {
    let y = 81 &* k1 &+ 113
    var rounds = Rounds(
      x: 81 &* k2 &+ word(text, 0), y: y, z: mixed(y &* k2 &+ 113) &* k2)
    let rest = (text.count - 1) & 63
    var start = 0
    while start < text.count - 1 - rest {
      rounds.take(text, start, factor: k1, weight: 1)
      start += 64
    }
    let factor = k1 &+ (rounds.z & 0xff) << 1
    rounds.w.0 = rounds.w.0 &+ UInt64(rest)
    rounds.v.0 = rounds.v.0 &+ rounds.w.0
    rounds.w.0 = rounds.w.0 &+ rounds.v.0
    rounds.take(text, text.count - 64, factor: factor, weight: 9)
    return joined(
      joined(rounds.v.0, rounds.w.0, factor) &+ mixed(rounds.y) &* k0 &+ rounds.z,
      joined(rounds.v.1, rounds.w.1, factor) &+ rounds.x, factor)
  }

  /// TensorFlow's `FingerprintCat64`: one hash of two.
  static func crossed(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let factor: UInt64 = 0xc6a4_a793_5bd1_e995
    let joined = (first ^ factor ^ mixed(second &* factor) &* factor) &* factor
    return mixed(mixed(joined) &* factor)
  }

  // MARK: - SipHash

  /// SipHash-2-4 with a key of 128 bits.
  static func sip(_ text: [UInt8], key: (UInt64, UInt64)) -> UInt64 {
    var state: (UInt64, UInt64, UInt64, UInt64) = (
      0x736f_6d65_7073_6575 ^ key.0, 0x646f_7261_6e64_6f6d ^ key.1,
      0x6c79_6765_6e65_7261 ^ key.0, 0x7465_6462_7974_6573 ^ key.1
    )
    func round() {
      state.0 = state.0 &+ state.1
      state.1 = rotated(state.1, 51) ^ state.0
      state.0 = rotated(state.0, 32)
      state.2 = state.2 &+ state.3
      state.3 = rotated(state.3, 48) ^ state.2
      state.0 = state.0 &+ state.3
      state.3 = rotated(state.3, 43) ^ state.0
      state.2 = state.2 &+ state.1
      state.1 = rotated(state.1, 47) ^ state.2
      state.2 = rotated(state.2, 32)
    }
    func take(_ word: UInt64) {
      state.3 ^= word
      round()
      round()
      state.0 ^= word
    }
    var start = 0
    while text.count - start >= 8 {
      take(word(text, start))
      start += 8
    }
    take(word(text, start, bytes: text.count - start) | UInt64(text.count & 0xff) << 56)
    state.2 ^= 0xff
    for _ in 0..<4 { round() }
    return state.0 ^ state.1 ^ state.2 ^ state.3
  }
}

// MARK: - Words

/// The little-endian number of the bytes from `start` on, which must exist.
private func word(_ text: [UInt8], _ start: Int, bytes: Int = 8) -> UInt64 {
  var value: UInt64 = 0
  for place in 0..<bytes { value |= UInt64(text[start + place]) << UInt64(8 * place) }
  return value
}

private func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
  value >> bits | value << (64 - bits)
}

private func mixed(_ value: UInt64) -> UInt64 { value ^ value >> 47 }

private func joined(_ u: UInt64, _ v: UInt64, _ factor: UInt64) -> UInt64 {
  var a = (u ^ v) &* factor
  a ^= a >> 47
  var b = (v ^ a) &* factor
  b ^= b >> 47
  return b &* factor
}

/// How a text is put in one of several buckets.
enum BucketHash: Sendable {
  /// `tf.strings.to_hash_bucket_fast`
  case fast
  /// `tf.strings.to_hash_bucket_strong`
  case strong(UInt64, UInt64)

  /// The bucket of a text, out of `count` buckets; `count` is at least 1.
  func bucket(_ text: [UInt8], of count: Int) -> Int {
    let hash =
      switch self {
      case .fast: TextHashes.fingerprint(text)
      case .strong(let first, let second): TextHashes.sip(text, key: (first, second))
      }
    return Int(hash % UInt64(max(count, 1)))
  }
}
