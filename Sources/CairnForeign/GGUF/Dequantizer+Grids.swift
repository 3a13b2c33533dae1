// Dequantising the types of few bits: those whose numbers come from grids, from tables of values,
// or in base three. The arithmetic is in the same order as in the `gguf` package (gguf/quants.py).

import CairnTensors

extension Dequantizer {
  /// The values of IQ4_NL's and IQ4_XS's 4-bit numbers.
  private static let nonlinear: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]
  /// Twice the values of the 4-bit floats with 2 bits of exponent and 1 of mantissa.
  private static let doubledE2M1: [Float] = [
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
  ]

  // MARK: - Grids

  /// Eight numbers of a grid of two bits, from element `first` on.
  private func vector(
    _ grid: [Float], _ index: Int, _ signs: UInt8, _ scale: Float, at first: Int,
    _ values: inout [Float]
  ) {
    for place in 0..<8 {
      // Multiplied, as NumPy does, so that the sign of a NaN is the same.
      let sign: Float = signs >> UInt8(place) & 1 == 0 ? 1 : -1
      values[first + place] = scale * grid[index * 8 + place] * sign
    }
  }

  func iq2XXS(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for group in 0..<8 {
      let bits = block.number(2 + 8 * group + 4)
      let scale = d * (0.5 + Float(bits >> 28)) * 0.25
      for part in 0..<4 {
        vector(
          GGMLGrid.iq2XXS, Int(block[2 + 8 * group + part]),
          GGMLGrid.signs(bits >> UInt32(7 * part)), scale, at: 32 * group + 8 * part, &values)
      }
    }
  }

  func iq2XS(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for part in 0..<32 {
      let bits = block.word(2 + 2 * part)
      let scale = d * (0.5 + Float(block.nibble(part / 2, from: 66))) * 0.25
      vector(
        GGMLGrid.iq2XS, Int(bits & 511), GGMLGrid.signs(UInt32(bits >> 9)), scale, at: 8 * part,
        &values)
    }
  }

  func iq2S(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for part in 0..<32 {
      let high = block[66 + part / 4] >> UInt8(2 * (part % 4)) & 3
      let scale = d * (0.5 + Float(block.nibble(part / 2, from: 74))) * 0.25
      vector(
        GGMLGrid.iq2S, Int(block[2 + part]) | Int(high) << 8, block[34 + part], scale, at: 8 * part,
        &values)
    }
  }

  func iq3XXS(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for element in 0..<256 {
      let bits = block.number(66 + 4 * (element / 32))
      let scale = d * (0.5 + Float(bits >> 28)) * 0.5
      let signs = GGMLGrid.signs(bits >> UInt32(7 * (element % 32 / 8)))
      let sign: Float = signs >> UInt8(element % 8) & 1 == 0 ? 1 : -1
      let index = Int(block[2 + element / 4])
      values[element] = scale * GGMLGrid.iq3XXS[4 * index + element % 4] * sign
    }
  }

  func iq3S(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for element in 0..<256 {
      let part = element / 4
      let scale = d * Float(1 + 2 * block.nibble(element / 32, from: 106))
      let sign: Float = block[74 + element / 8] >> UInt8(element % 8) & 1 == 0 ? 1 : -1
      let high = block[66 + part / 8] >> UInt8(part % 8) & 1
      let index = Int(block[2 + part]) | Int(high) << 8
      values[element] = scale * GGMLGrid.iq3S[4 * index + element % 4] * sign
    }
  }

  func iq1S(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    for part in 0..<32 {
      let bits = block.word(34 + 2 * (part / 4))
      let scale = d * Float(2 * (bits >> 12 & 7) + 1)
      let delta: Float = bits & 0x8000 == 0 ? 0.125 : -0.125
      let index = Int(block[part + 2]) | Int(bits >> UInt16(3 * (part % 4)) & 7) << 8
      for place in 0..<8 {
        values[8 * part + place] = scale * (GGMLGrid.iq1[8 * index + place] + delta)
      }
    }
  }

  func iq1M(_ block: Span<UInt8>, _ values: inout [Float]) {
    // The block's scale is in the top four bits of four words.
    var bits: UInt16 = 0
    for word in 0..<4 { bits |= (block.word(48 + 2 * word) >> 12) << UInt16(4 * word) }
    let d = Float(bitPattern: HalfPrecision.float32(float16: bits))
    for part in 0..<32 {
      let group = part / 2
      let factor = block.word(48 + 2 * (group / 4)) >> UInt16(3 * (group % 4)) & 7
      let scale = d * Float(2 * factor + 1)
      let high = block.nibble(part, from: 32)
      let delta: Float = high & 8 == 0 ? 0.125 : -0.125
      let index = Int(block[part]) | Int(high & 7) << 8
      for place in 0..<8 {
        values[8 * part + place] = scale * (GGMLGrid.iq1[8 * index + place] + delta)
      }
    }
  }

  // MARK: - Tables of values

  func iq4NL(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    halves(block, 2) { values[$0] = d * Self.nonlinear[Int($1)] }
  }

  func iq4XS(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(0)
    let high = block.word(2)
    for group in 0..<8 {
      let bits = block.nibble(group, from: 4) | UInt8(high >> UInt16(2 * group) & 3) << 4
      let scale = d * Float(Int(bits) - 32)
      for place in 0..<32 {
        let byte = block[8 + 16 * group + place % 16]
        let index = place < 16 ? byte & 0x0F : byte >> 4
        values[32 * group + place] = scale * Self.nonlinear[Int(index)]
      }
    }
  }

  func mxfp4(_ block: Span<UInt8>, _ values: inout [Float]) {
    let exponent = UInt32(block[0])
    let half = exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23
    let scale = Float(bitPattern: half)
    halves(block, 1) { values[$0] = scale * Self.doubledE2M1[Int($1)] }
  }

  func nvfp4(_ block: Span<UInt8>, _ values: inout [Float]) {
    for group in 0..<4 {
      let scale = Self.halfOfE4M3(block[group])
      for place in 0..<16 {
        let byte = block[4 + 8 * group + place % 8]
        let index = place < 8 ? byte & 0x0F : byte >> 4
        values[16 * group + place] = scale * Self.doubledE2M1[Int(index)]
      }
    }
  }

  /// Half of an unsigned 8-bit float with 4 bits of exponent; its NaN is 0 here.
  private static func halfOfE4M3(_ byte: UInt8) -> Float {
    guard byte != 0, byte != 0x7F else { return 0 }
    let exponent = Int(byte >> 3 & 0x0F)
    let mantissa = Float(byte & 7)
    guard exponent > 0 else { return mantissa / 512 * 0.5 }
    return (1 + mantissa / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1) * 0.5
  }

  // MARK: - Base three

  func tq1(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(52)
    let powers: [UInt8] = [1, 3, 9, 27, 81]
    func digit(_ byte: UInt8, _ power: Int) -> Float {
      Float(Int((UInt16(byte &* powers[power]) * 3) >> 8) - 1)
    }
    for element in 0..<160 {
      values[element] = d * digit(block[element % 32], element / 32)
    }
    for element in 0..<80 {
      values[160 + element] = d * digit(block[32 + element % 16], element / 16)
    }
    for element in 0..<16 {
      values[240 + element] = d * digit(block[48 + element % 4], element / 4)
    }
  }

  func tq2(_ block: Span<UInt8>, _ values: inout [Float]) {
    let d = block.half(64)
    for element in 0..<256 {
      let byte = block[element / 128 * 32 + element % 32]
      values[element] = d * Float(Int(byte >> UInt8(2 * (element / 32 % 4)) & 3) - 1)
    }
  }
}

extension Span<UInt8> {
  /// The next four bytes from `offset` on as a number.
  fileprivate func number(_ offset: Int) -> UInt32 {
    UInt32(word(offset)) | UInt32(word(offset + 2)) << 16
  }

  /// The `index`th half of a byte from byte `start` on, the low halves first.
  fileprivate func nibble(_ index: Int, from start: Int) -> UInt8 {
    self[start + index / 2] >> UInt8(4 * (index % 2)) & 0x0F
  }
}
