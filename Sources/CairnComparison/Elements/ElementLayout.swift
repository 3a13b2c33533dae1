// How the bytes of a tensor fall into elements, and what the bits of an element mean.

import CairnSystem
import CairnTensors

/// The elements of a type, for comparing: a number of equal parts, each of some bits.
///
/// A quantised block counts as one element. Strings are no such type.
struct ElementLayout: Sendable {
  /// What the bits of a part stand for.
  enum Meaning: Hashable, Sendable {
    case float(FloatLayout)
    case signed
    case unsigned
    /// Nothing that could be measured: bools and quantised blocks.
    case opaque
  }

  var meaning: Meaning
  /// The bits of a part; of a quantised block, all of it.
  var bitWidth: Int
  /// 2 for complex numbers.
  var parts = 1
  /// The smallest run of bytes that begins and ends between elements.
  var granule: (bytes: Int, elements: Int)

  /// The layout of a type; nil for strings.
  init?(_ dtype: DType) {
    granule = dtype.granule
    switch dtype {
    case .string: return nil
    case .quantized(let block):
      (meaning, bitWidth) = (.opaque, 8 * Int(block.byteCount))
      granule.elements = 1
    case .bool: (meaning, bitWidth) = (.opaque, 8)
    case .complex64, .complex128:
      guard let layout = FloatLayout(dtype) else { return nil }
      (meaning, bitWidth, parts) = (.float(layout), dtype == .complex64 ? 32 : 64, 2)
    default:
      guard let width = dtype.bitWidth else { return nil }
      bitWidth = width
      if let layout = FloatLayout(dtype) {
        meaning = .float(layout)
      } else {
        switch dtype {
        case .int4, .int8, .int16, .int32, .int64: meaning = .signed
        default: meaning = .unsigned
        }
      }
    }
  }

  /// The largest number of bytes up to `count` that is a whole number of granules.
  func wholeGranules(upTo count: Int) -> Int {
    max(granule.bytes, count / granule.bytes * granule.bytes)
  }

  /// The bits of part number `index` of elements that begin at the start of `bytes`; at most 64.
  func bits(of bytes: Span<UInt8>, part index: Int) -> UInt64 {
    if bitWidth >= 8 {
      let width = min(bitWidth / 8, 8)
      let start = index * (bitWidth / 8)
      var bits: UInt64 = 0
      for byte in 0..<width { bits |= UInt64(bytes[start + byte]) << UInt64(8 * byte) }
      return bits
    }
    // Packed, least significant bits first; an element of 6 bits may straddle two bytes.
    let start = index * bitWidth
    var bits = UInt64(bytes[start / 8]) >> UInt64(start % 8)
    let have = 8 - start % 8
    if have < bitWidth { bits |= UInt64(bytes[start / 8 + 1]) << UInt64(have) }
    return bits & ((1 << UInt64(bitWidth)) - 1)
  }

  /// The number with those bits, for types of integers.
  func integer(_ bits: UInt64) -> Int64 {
    let unused = UInt64(64 - bitWidth)
    return Int64(bitPattern: bits << unused) >> Int64(unused)
  }
}
