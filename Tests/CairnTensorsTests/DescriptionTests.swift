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
}
