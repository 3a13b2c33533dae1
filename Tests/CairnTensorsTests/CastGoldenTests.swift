// Conversions between floats, against what NumPy and ml_dtypes give.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct CastGoldenTests {
  let goldens: GoldenTensors

  init() throws { goldens = try GoldenTensors("casts.safetensors") }

  private func floats(_ name: String) throws -> [Float] {
    try goldens.patterns32(name).map(Float.init(bitPattern:))
  }

  @Test func `float32 to bfloat16 rounds as ml_dtypes does`() throws {
    let input = try floats("float32_to_16/input")
    let expected = try goldens.patterns16("float32_to_16/bfloat16")
    let result: [BFloat16] = try Tensor(input).cast(to: .bfloat16).scalars()
    for (index, value) in input.enumerated() {
      let found = result[index].bitPattern
      if value.isNaN {
        // Ours keeps the payload: sign, all ones, quiet bit, upper six bits after it.
        let kept = UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x0040
        #expect(found == kept, "of \(value.bitPattern)")
        #expect(expected[index] & 0x7FFF > 0x7F80)
      } else {
        #expect(found == expected[index], "of \(value)")
      }
      #expect(BFloat16(value).bitPattern == found)
    }
  }

  @Test func `float32 to float16 rounds as NumPy does`() throws {
    let input = try floats("float32_to_16/input")
    let expected = try goldens.patterns16("float32_to_16/float16")
    let result: [Float16] = try Tensor(input).cast(to: .float16).scalars()
    for (index, value) in input.enumerated() {
      let found = result[index].bitPattern
      if value.isNaN {
        // NumPy keeps sign and upper payload too, but leaves a signalling NaN signalling and
        // invents a payload where none is left.
        let payload = UInt16(truncatingIfNeeded: value.bitPattern >> 13) & 0x03FF
        #expect(
          found == UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000 | 0x7E00 | payload)
        if payload != 0 { #expect(found == expected[index] | 0x0200) }
      } else {
        #expect(found == expected[index], "of \(value)")
      }
    }
  }

  @Test func `float64 to 16 bits gives the same for every float32`() throws {
    let input = try floats("float32_to_16/input")
    let wide = try Tensor(input.map(Double.init))
    for target in [DType.bfloat16, .float16] {
      let direct = try Tensor(input).cast(to: target)
      #expect(try wide.cast(to: target) == direct)
    }
  }

  @Test(arguments: DType.smallFloats)
  func `float32 to a small kind rounds as ml_dtypes does`(_ target: DType) throws {
    let input = try floats("float32_to_small/input")
    let expected = try goldens.patterns8("float32_to_small/\(target)")
    let hasNaN = try nanPatterns(target).isEmpty == false
    let kept = input.indices.filter { hasNaN || !input[$0].isNaN }
    let bitWidth = try #require(target.bitWidth)
    for source in [try Tensor(kept.map { input[$0] }), try Tensor(kept.map { Double(input[$0]) })] {
      let result = unpacked(
        try source.cast(to: target).bytes, bitWidth: bitWidth, count: kept.count)
      let nans = try nanPatterns(target)
      for (position, index) in kept.enumerated() {
        if input[index].isNaN {
          #expect(nans.contains(result[position]))
        } else {
          #expect(result[position] == expected[index], "\(target) of \(input[index])")
        }
      }
    }
  }

  private func nanPatterns(_ dtype: DType) throws -> [UInt8] {
    try (table(dtype)["nan_patterns"] as? [Int] ?? []).map(UInt8.init)
  }

  private func table(_ dtype: DType) throws -> [String: Any] {
    let all = try #require(try Fixtures.json("casts.json") as? [String: Any])
    let decodings = try #require(all["to_float32"] as? [String: Any])
    let tables = try #require(decodings["by_table"] as? [String: Any])
    return try #require(tables[dtype.name] as? [String: Any])
  }

  @Test(arguments: DType.smallFloats)
  func `every pattern of a small kind means what ml_dtypes says`(_ source: DType) throws {
    let expected = try floats("to_float32/\(source)")
    let bitWidth = try #require(source.bitWidth)
    let patterns = (0..<expected.count).map { UInt8($0) }
    let tensor = try Tensor(
      dtype: source, shape: [patterns.count], bytes: packed(patterns, bitWidth: bitWidth))
    let found: [Float] = try tensor.cast(to: .float32).scalars()
    for index in expected.indices {
      if expected[index].isNaN {
        #expect(found[index].isNaN, "pattern \(index)")
      } else {
        #expect(found[index].bitPattern == expected[index].bitPattern, "pattern \(index)")
      }
    }
  }

  @Test(arguments: DType.smallFloats)
  func `every pattern of a small kind survives the way through float32`(_ source: DType) throws {
    let bitWidth = try #require(source.bitWidth)
    let nans = try nanPatterns(source)
    let patterns = (0..<1 << bitWidth).map { UInt8($0) }.filter { !nans.contains($0) }
    let tensor = try Tensor(
      dtype: source, shape: [patterns.count], bytes: packed(patterns, bitWidth: bitWidth))
    #expect(try tensor.cast(to: .float32).cast(to: source) == tensor)
    #expect(try tensor.cast(to: .float64).cast(to: source) == tensor)
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func `all 65,536 patterns widen to the float32 that the digest records`(
    _ source: DType
  ) throws {
    let all = try #require(try Fixtures.json("casts.json") as? [String: Any])
    let decodings = try #require(all["to_float32"] as? [String: Any])
    let digests = try #require(decodings["by_digest"] as? [String: Any])
    let digest = try #require(digests[source.name] as? [String: Any])
    let bytes = (0..<65_536).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let wide: [Float] = try Tensor(dtype: source, shape: [65_536], bytes: bytes)
      .cast(to: .float32).scalars()
    let numbers = wide.filter { !$0.isNaN }
    #expect(wide.count - numbers.count == digest["nan_patterns"] as? Int)
    #expect(
      sha256(try Tensor(numbers).bytes) == digest["sha256_without_nan"] as? String)
    if source == .bfloat16 {
      // A shift alone keeps every NaN as it is.
      #expect(sha256(try Tensor(wide).bytes) == digest["sha256"] as? String)
    }
    // And back: every pattern but the signalling NaNs is its own nearest.
    let back = try Tensor(wide).cast(to: source).bytes
    for pattern in 0..<65_536 where !wide[pattern].isNaN || wide[pattern].isSignalingNaN == false {
      let found = Int(back[2 * pattern]) | Int(back[2 * pattern + 1]) << 8
      let quiet = source == .float16 && wide[pattern].isNaN ? pattern | 0x0200 : pattern
      #expect(found == quiet)
    }
  }
}
