// The arithmetic of dequantising, in the same order as in the `gguf` package (gguf/quants.py,
// `dequantize_blocks`), so that the floats have the same bits.

import CairnTensors

/// Makes floats from blocks of one type.
struct Dequantizer {
  /// Elements and bytes of a block.
  let elementCount: Int
  let byteCount: Int
  private let kind: Kind

  private enum Kind: UInt32 {
    case float16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q2K = 10
    case q3K = 11
    case q4K = 12
    case q5K = 13
    case q6K = 14
    case iq2XXS = 16
    case iq2XS = 17
    case iq3XXS = 18
    case iq1S = 19
    case iq4NL = 20
    case iq3S = 21
    case iq2S = 22
    case iq4XS = 23
    case iq1M = 29
    case bfloat16 = 30
    case tq1 = 34
    case tq2 = 35
    case mxfp4 = 39
    case nvfp4 = 40
  }

  /// The dequantiser for a type; nil for types that have none or need none.
  init?(_ dtype: DType) {
    switch dtype {
    case .float16: kind = .float16
    case .bfloat16: kind = .bfloat16
    case .quantized(let block):
      guard GGMLType.name(of: block) != nil, let found = Kind(rawValue: block.typeID) else {
        return nil
      }
      kind = found
    default: return nil
    }
    byteCount = dtype.granule.bytes
    elementCount = dtype.granule.elements
  }

  /// Fills `target` with the floats of whole blocks.
  ///
  /// - Precondition: `blocks` holds as many blocks as `target` has room for.
  func run(_ blocks: Span<UInt8>, into target: inout MutableSpan<UInt8>) {
    var values = [Float](repeating: 0, count: elementCount)
    var place = 0
    for start in stride(from: 0, to: blocks.count, by: byteCount) {
      block(blocks.extracting(start..<start + byteCount), into: &values)
      for value in values {
        let bits = value.bitPattern
        for byte in 0..<4 {
          target[place + byte] = UInt8(truncatingIfNeeded: bits >> UInt32(8 * byte))
        }
        place += 4
      }
    }
  }

  private func block(_ block: Span<UInt8>, into values: inout [Float]) {
    switch kind {
    case .float16: values[0] = block.half(0)
    case .bfloat16: values[0] = Float(bitPattern: UInt32(block.word(0)) << 16)
    case .q4_0: halves(block, 2) { values[$0] = block.half(0) * Float(Int($1) - 8) }
    case .q4_1: halves(block, 4) { values[$0] = block.half(0) * Float($1) + block.half(2) }
    case .q5_0:
      halves(block, 6) {
        values[$0] = block.half(0) * Float(Int($1 | block.bit($0, from: 2) << 4) - 16)
      }
    case .q5_1:
      halves(block, 8) {
        values[$0] = block.half(0) * Float($1 | block.bit($0, from: 4) << 4) + block.half(2)
      }
    case .q8_0:
      let scale = block.half(0)
      for index in 0..<32 { values[index] = Float(Int8(bitPattern: block[2 + index])) * scale }
    case .q2K: q2K(block, &values)
    case .q3K: q3K(block, &values)
    case .q4K: q4K(block, highBits: nil, low: 16, &values)
    case .q5K: q4K(block, highBits: 16, low: 48, &values)
    case .q6K: q6K(block, &values)
    case .iq2XXS: iq2XXS(block, &values)
    case .iq2XS: iq2XS(block, &values)
    case .iq3XXS: iq3XXS(block, &values)
    case .iq1S: iq1S(block, &values)
    case .iq4NL: iq4NL(block, &values)
    case .iq3S: iq3S(block, &values)
    case .iq2S: iq2S(block, &values)
    case .iq4XS: iq4XS(block, &values)
    case .iq1M: iq1M(block, &values)
    case .tq1: tq1(block, &values)
    case .tq2: tq2(block, &values)
    case .mxfp4: mxfp4(block, &values)
    case .nvfp4: nvfp4(block, &values)
    }
  }

  /// The 32 numbers of 4 bits from byte `start` on: all low halves, then all high ones.
  func halves(_ block: Span<UInt8>, _ start: Int, _ body: (Int, UInt8) -> Void) {
    for index in 0..<32 {
      let byte = block[start + index % 16]
      body(index, index < 16 ? byte & 0x0F : byte >> 4)
    }
  }

  // MARK: - Blocks of 256 elements

  private func q2K(_ block: Span<UInt8>, _ values: inout [Float]) {
    let (d, dmin) = (block.half(80), block.half(82))
    for index in 0..<256 {
      let scale = block[index / 16]
      // Two bits each: 32 bytes hold the 128 elements of a half, 32 at each shift.
      let byte = block[16 + index / 128 * 32 + index % 32]
      let q = byte >> UInt8(2 * (index / 32 % 4)) & 3
      values[index] = d * Float(scale & 0x0F) * Float(q) - dmin * Float(scale >> 4)
    }
  }

  private func q3K(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(108)
    for index in 0..<256 {
      let group = index / 16
      let low = block[96 + group % 8] >> UInt8(4 * (group / 8)) & 0x0F
      let high = block[104 + group % 4] >> UInt8(2 * (group / 4)) & 3
      let scale = Float(Int(low | high << 4) - 32)
      let q = block[32 + index / 128 * 32 + index % 32] >> UInt8(2 * (index / 32 % 4)) & 3
      // The offset is zero where the mask's bit is 1.
      let bit = block[index % 32] >> UInt8(index / 32) & 1
      values[index] = d * scale * Float(Int(q) - (bit == 1 ? 0 : 4))
    }
  }

  /// Q4_K, and Q5_K with a fifth bit for each element from byte `highBits` on.
  private func q4K(
    _ block: Span<UInt8>, highBits: Int?, low: Int, _ values: inout [Float]
  ) {
    let (d, dmin) = (block.half(0), block.half(2))
    for index in 0..<256 {
      let group = index / 32
      let (scale, minimum) = scaleAndMinimum(block, group)
      let byte = block[low + index / 64 * 32 + index % 32]
      var q = group.isMultiple(of: 2) ? byte & 0x0F : byte >> 4
      if let highBits { q |= (block[highBits + index % 32] >> UInt8(group) & 1) << 4 }
      values[index] = d * Float(scale) * Float(q) - dmin * Float(minimum)
    }
  }

  /// The 6 bits of scale and minimum of a group, of the twelve bytes from byte 4 on.
  private func scaleAndMinimum(_ block: Span<UInt8>, _ group: Int) -> (UInt8, UInt8) {
    if group < 4 { return (block[4 + group] & 0x3F, block[8 + group] & 0x3F) }
    let (d, m, both) = (block[group], block[4 + group], block[8 + group])
    return (both & 0x0F | d >> 2 & 0x30, both >> 4 | m >> 2 & 0x30)
  }

  private func q6K(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(208)
    for index in 0..<256 {
      let half = index / 128
      let scale = Float(Int8(bitPattern: block[192 + index / 16]))
      let byte = block[half * 64 + index % 64]
      let low = index % 128 < 64 ? byte & 0x0F : byte >> 4
      let high = block[128 + half * 32 + index % 32] >> UInt8(2 * (index / 32 % 4)) & 3
      values[index] = d * scale * Float(Int(low | high << 4) - 32)
    }
  }
}

extension Span<UInt8> {
  /// The next two bytes from `offset` on as a number.
  func word(_ offset: Int) -> UInt16 {
    UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
  }

  /// The float16 at `offset`.
  func half(_ offset: Int) -> Float {
    Float(bitPattern: HalfPrecision.float32(float16: word(offset)))
  }

  /// Bit `index` of the 32 from byte `start` on.
  fileprivate func bit(_ index: Int, from start: Int) -> UInt8 {
    self[start + index / 8] >> UInt8(index % 8) & 1
  }
}
