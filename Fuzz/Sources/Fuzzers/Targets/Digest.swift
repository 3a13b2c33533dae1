// SHA-256 in every way that the machine has, held against the standard's own words. The input's first
// bytes say where a message is cut and how long the parts are that are hashed side by side.

import CairnCodec

/// SHA-256 as FIPS 180-4 writes it down, one step at a time.
private func textbook(_ message: ArraySlice<UInt8>) -> [UInt8] {
  var padded = Array(message) + [0x80]
  padded += repeatElement(0, count: (120 - padded.count % 64) % 64)
  padded += (0..<8).map { UInt8(truncatingIfNeeded: UInt64(message.count) * 8 >> (56 - 8 * $0)) }
  func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }
  var hash = initialWords
  for block in stride(from: 0, to: padded.count, by: 64) {
    var words = (0..<16).map { place in
      (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(padded[block + 4 * place + $1]) }
    }
    for t in 16..<64 {
      let (a, b) = (words[t - 15], words[t - 2])
      let low = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
      let high = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
      words.append(words[t - 16] &+ low &+ words[t - 7] &+ high)
    }
    var state = hash
    for t in 0..<64 {
      let (a, e) = (state[0], state[4])
      let one = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let choice = e & state[5] ^ ~e & state[6]
      let first = state[7] &+ one &+ choice &+ roundConstants[t] &+ words[t]
      let zero = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      let majority = a & state[1] ^ a & state[2] ^ state[1] & state[2]
      state = [first &+ zero &+ majority] + state.dropLast()
      state[4] &+= first
    }
    hash = zip(hash, state).map { $0 &+ $1 }
  }
  return hash.flatMap { word in
    (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) }
  }
}

/// The first primes: 64 of them.
private let primes = (2...311).filter { number in (2..<number).allSatisfy { number % $0 != 0 } }
/// The first 32 bits of the fractions of the primes' roots: as the standard defines its constants.
private let initialWords = primes.prefix(8).map { fraction(ofRoot: 2, $0) }
private let roundConstants = primes.map { fraction(ofRoot: 3, $0) }

/// In whole numbers: the largest r with r to the `degree` at most prime · 2^(32 · degree).
private func fraction(ofRoot degree: Int, _ prime: Int) -> UInt32 {
  var root: UInt64 = 0
  for bit in (0..<37).reversed() {
    let next = root | 1 << UInt64(bit)
    if isAtMost(next, degree, prime) { root = next }
  }
  return UInt32(truncatingIfNeeded: root)
}

private func isAtMost(_ root: UInt64, _ degree: Int, _ prime: Int) -> Bool {
  // root is below 2^37: its square fits into two words, and so does its cube.
  let square = root.multipliedFullWidth(by: root)
  if degree == 2 { return (square.high, square.low) <= (UInt64(prime), 0) }
  // root³ = (high · 2^64 + low) · root, in units of 2^64 above, against prime · 2^96.
  let low = square.low.multipliedFullWidth(by: root)
  let high = UInt64(square.high) &* root &+ low.high
  return (high, low.low) <= (UInt64(prime) << 32, 0)
}

private func check(_ bytes: [UInt8]) {
  guard bytes.count >= 4 else { return }
  let message = bytes[4...]
  let cut = 4 + (Int(bytes[0]) | Int(bytes[1]) << 8) % (message.count + 1)
  let size = 1 + (Int(bytes[2]) | Int(bytes[3]) << 8) % 512
  let parts = message.prefix(message.count / size * size)
  let expected = textbook(message)
  let each = stride(from: parts.startIndex, to: parts.endIndex, by: size).map {
    textbook(parts[$0..<$0 + size])
  }
  for way in SHA256.Way.available {
    if SHA256.digest(of: message.span, way) != expected { fail("\(way): another digest") }
    var hash = SHA256(way)
    hash.update(message[..<cut].span)
    _ = hash.finalize()
    hash.update(message[cut...].span)
    if hash.finalize() != expected { fail("\(way): another digest of two parts") }
    if SHA256.digests(ofPartsOf: size, in: parts.span, way) != each {
      fail("\(way): other digests side by side")
    }
  }
}

extension FuzzTarget {
  static let digest = FuzzTarget("digest") { bytes in check(bytes) }
}
