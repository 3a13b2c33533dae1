// Byte planes, taken apart and put together one bit pattern at a time: FORMAT.md, section "Chunks
// and planes".

import CFuzzing
import Forge

/// The elements that have these planes.
///
/// - Parameter filter: 0 none, 1 byte planes, 2 byte planes of elements rotated left by one bit.
func joined(_ planes: [UInt8], componentSize size: Int, filter: Int) -> [UInt8] {
  guard filter != 0 else { return planes }
  let count = planes.count / size
  var elements = planes
  for index in 0..<count {
    var value = (0..<size).reduce(UInt64(0)) {
      $0 | UInt64(planes[$1 * count + index]) << UInt64(8 * $1)
    }
    if filter == 2 { value = value >> 1 | (value & 1) << UInt64(8 * size - 1) }
    for byte in 0..<size {
      elements[index * size + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
    }
  }
  return elements
}

/// `stream` inflated by zlib, for what should give `count` bytes; nil if it is not valid.
func zlibInflated(_ stream: [UInt8], count: Int) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: count)
  let isValid = unsafe stream.withUnsafeBufferPointer { stream in
    unsafe bytes.withUnsafeMutableBufferPointer { bytes in
      unsafe cairn_zlib_inflate(stream.baseAddress, stream.count, bytes.baseAddress, bytes.count)
    }
  }
  return isValid == 1 ? bytes : nil
}

/// The layouts of chunks: the bytes of a component and the filter.
let chunkLayouts: [(componentSize: Int, filter: Int)] =
  [1, 2, 4, 8].map { ($0, 0) } + [1, 2].flatMap { filter in [2, 4, 8].map { ($0, filter) } }

/// Bytes that an input of a few describes, with the character of planes: each seven of `script` are
/// a kind, a length in three bytes and three numbers.
func scripted(_ script: ArraySlice<UInt8>, limit: Int) -> [UInt8] {
  var bytes: [UInt8] = []
  var place = script.startIndex
  while script.endIndex - place >= 7, bytes.count < limit {
    let part = Array(script[place..<place + 7])
    place += 7
    let length = Int(part[1]) | Int(part[2]) << 8 | Int(part[3] & 3) << 16
    let count = min(length, limit - bytes.count)
    var random = SeededNumbers(UInt64(part[4]) << 8 | UInt64(part[5]))
    let (a, b) = (part[5], part[6])
    switch part[0] % 8 {
    case 0: bytes += repeatElement(b, count: count)
    case 1: for _ in 0..<count { bytes.append(UInt8(truncatingIfNeeded: random.next()) & b) }
    case 2:  // halving frequencies
      for _ in 0..<count {
        bytes.append(b &- UInt8(min(random.next().leadingZeroBitCount, Int(a & 63))))
      }
    case 3:  // a sum of four: a bell
      for _ in 0..<count {
        let word = random.next()
        let sum = (0..<4).reduce(0) { $0 + Int(word >> UInt64(8 * $1) & 0xFF) }
        bytes.append(UInt8(truncatingIfNeeded: sum / (Int(b & 15) + 1)))
      }
    case 4:  // a stretch of what came before
      let distance = Int(a) << 8 | Int(b)
      guard distance > 0, distance <= bytes.count else { break }
      for _ in 0..<count { bytes.append(bytes[bytes.count - distance]) }
    case 5: for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: index * Int(a)) &+ b) }
    case 6:  // rare others
      for _ in 0..<count {
        let word = random.next()
        bytes.append(word % (UInt64(a) + 2) == 0 ? UInt8(truncatingIfNeeded: word >> 32) : b)
      }
    default:  // the script itself
      let end = min(script.endIndex, place + count)
      bytes += script[place..<end]
      place = end
    }
  }
  return bytes
}
