// The generator behind initial weights: xoshiro256** 1.0, seeded by SplitMix64 (Blackman and Vigna,
// "Scrambled Linear Pseudorandom Number Generators", 2021; reference code at prng.di.unimi.it).
// Implemented here so that a seed gives the same weights in every version.

/// SplitMix64: turns any 64-bit seed, even a poor one, into good seeds.
struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// xoshiro256**: the same numbers for the same seed, on every machine.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var s: (UInt64, UInt64, UInt64, UInt64)

  /// The generator whose four words of state are the first four numbers of SplitMix64 from `seed`.
  package init(seed: UInt64) {
    var words = SplitMix64(seed: seed)
    s = (words.next(), words.next(), words.next(), words.next())
  }

  init(state: (UInt64, UInt64, UInt64, UInt64)) { s = state }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotate(s.1 &* 5, 7) &* 9
    let t = s.1 << 17
    s.2 ^= s.0
    s.3 ^= s.1
    s.1 ^= s.2
    s.0 ^= s.3
    s.2 ^= t
    s.3 = rotate(s.3, 45)
    return result
  }

  /// A number from 0 up to, but not including, 1: the upper 53 bits.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
