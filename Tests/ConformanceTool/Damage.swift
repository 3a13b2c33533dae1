// Ways in which a file is damaged, each numbered, so that all of them can be tried in any order.

import CairnTestSupport

/// A kind of damage to one file, in a number of cases.
struct Damage: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case flip = "single-bit flips"
    case cut = "truncations"
    case burst = "bursts of 1 to 64 bits"
    case swap = "swapped frames"
    case duplicate = "duplicated frames"
    case overwrite = "frames over a neighbour"
    case removal = "removed frames"
  }
  var kind: Kind
  /// Which of the files.
  var file: Int
  /// The cases, of 0 ..< the number that there are.
  var cases: Range<Int>
}

/// A valid container that is to be damaged.
struct Specimen: Sendable {
  let name: String
  let bytes: [UInt8]
  /// Its frames, with their padding; found without the library's help.
  let frames: [Range<Int>]

  init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    frames = FrameLayout(bytes).frames.map(\.whole)
  }

  /// How many cases of a kind there are; of bursts, `bursts`.
  func caseCount(_ kind: Damage.Kind, bursts: Int) -> Int {
    switch kind {
    case .flip: bytes.count * 8
    case .cut: bytes.count
    case .burst: bursts
    case .swap, .overwrite: max(0, frames.count - 1)
    case .duplicate, .removal: frames.count
    }
  }

  /// The damaged bytes; nil where the damage changes nothing.
  func damaged(_ kind: Damage.Kind, _ number: Int, file: Int) -> [UInt8]? {
    var result = bytes
    switch kind {
    case .flip:
      result[number / 8] ^= 1 << UInt8(number % 8)
    case .cut:
      result.removeLast(bytes.count - number)
    case .burst:
      var random = SeededNumbers(UInt64(file) << 32 | UInt64(number))
      let count = Int.random(in: 1...min(64, bytes.count * 8), using: &random)
      let first = Int.random(in: 0...bytes.count * 8 - count, using: &random)
      // As in the theory of codes: a burst's first and last bits are wrong, those between may be.
      let pattern = random.next() | 1 | 1 << UInt64(count - 1)
      for bit in 0..<count where pattern >> UInt64(bit) & 1 == 1 {
        result[(first + bit) / 8] ^= 1 << UInt8((first + bit) % 8)
      }
    case .swap:
      result.replaceSubrange(
        frames[number].lowerBound..<frames[number + 1].upperBound,
        with: bytes[frames[number + 1]] + bytes[frames[number]])
    case .duplicate:
      result.insert(contentsOf: bytes[frames[number]], at: frames[number].upperBound)
    case .overwrite:
      guard frames[number].count == frames[number + 1].count else { return nil }
      result.replaceSubrange(frames[number + 1], with: bytes[frames[number]])
    case .removal:
      result.removeSubrange(frames[number])
    }
    return result == bytes ? nil : result
  }
}
