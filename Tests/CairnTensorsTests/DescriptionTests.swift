// Tensors as text, against what NumPy prints.

import CairnSystem
import CairnTensors
import Foundation
import Testing

@Suite struct DescriptionTests {
  struct Golden: CustomTestStringConvertible, Sendable {
    let dtype: DType
    let shape: Shape
    let bytes: [UInt8]
    let text: String
    var testDescription: String { "\(dtype) \(shape) \(text.prefix(30))" }
  }

  static func goldens() throws -> [Golden] {
    let list = try #require(try Fixtures.json("numpy_repr.json") as? [[String: Any]])
    return try list.map { entry in
      let digits = Array(try #require(entry["values"] as? String).utf8)
      let bytes = try stride(from: 0, to: digits.count, by: 2).map { start in
        try #require(UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16))
      }
      let name = try #require(entry["dtype"] as? String)
      return Golden(
        dtype: try #require(DType(name: name)),
        shape: try Shape(try #require(entry["shape"] as? [Int])), bytes: bytes,
        text: try #require(entry["text"] as? String))
    }
  }

  @Test(arguments: try goldens())
  func `the text is NumPy's`(_ golden: Golden) throws {
    let tensor = try Tensor(dtype: golden.dtype, shape: golden.shape, bytes: golden.bytes)
    #expect(tensor.description == golden.text)
  }

  @Test func `strings are printed as Python prints bytes`() throws {
    // Python: np.array([b"a", b"it's", b'\x00\xff"\n\\', b'say "it\'s"'], dtype=object)
    let strings: [[UInt8]] = [
      Array("a".utf8), Array("it's".utf8), [0, 0xFF, 0x22, 0x0A, 0x5C], Array("\"it's\"".utf8), [],
    ]
    #expect(
      try Tensor(byteStrings: strings).description
        == #"[b'a' b"it's" b'\x00\xff"\n\\' b'"it\'s"' b'']"#)
    #expect(try Tensor(strings: ["é"], shape: []).description == #"b'\xc3\xa9'"#)
  }

  @Test func `integers of four bits and small floats are printed by value`() throws {
    let integers = try Tensor([-8, 7, 0] as [Int8])
    #expect(try integers.cast(to: .int4).description == "[-8  7  0]")
    #expect(try Tensor([15, 2] as [UInt8]).cast(to: .uint4).description == "[15  2]")
    let floats = try Tensor([0.5, -6, 1] as [Float])
    for dtype in [DType.bfloat16, .float8E4M3FN, .float6E3M2FN, .float4E2M1FN] {
      #expect(try floats.cast(to: dtype).description == "[ 0.5 -6.   1. ]")
    }
    #expect(try Tensor([0.1] as [BFloat16]).description == "[0.10009766]")
    #expect(try Tensor([.nan, 2] as [Float]).cast(to: .float8E8M0FNU).description == "[nan  2.]")
  }

  @Test func `blocks are printed by number and size`() throws {
    let block = DType.quantized(
      try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18)))
    #expect(try Tensor(zeros: block, shape: [2, 32]).description == "<2 blocks of 18 bytes>")
  }

  @Test func `the second form adds shape and type`() throws {
    let tensor = try Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    #expect(
      tensor.debugDescription
        == "Tensor(shape: (2, 3), dtype: float32)\n[[0. 1. 2.]\n [3. 4. 5.]]")
    #expect(String(reflecting: tensor) == tensor.debugDescription)
  }

  @Test func `a view that is not aligned is printed all the same`() throws {
    let bytes = try Tensor([1.5, -2] as [Double]).bytes
    #expect(try unaligned(bytes, .float64, [2]).description == "[ 1.5 -2. ]")
    #expect(try unaligned(bytes, .complex128, [1]).description == "[1.5-2.j]")
  }

  @Test func `strings whose ends are wrong are not a trap`() throws {
    let tensor = try unaligned([9, 0, 0, 0, 0, 0, 0, 0], .string, [1])
    #expect(tensor.description.hasPrefix("<not printable:"))
  }
}
