// Just enough of the safetensors format for the golden files: a header's length, the header as
// JSON, then the tensors' bytes.

import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport

/// The tensors of a golden file.
struct SafetensorsFixture {
  let header: JSONObject
  private let bytes: [UInt8]
  private let start: Int

  init(_ path: String) throws {
    bytes = try fixture(path)
    var length = 0
    for index in 0..<8 { length |= Int(bytes[index]) << (8 * index) }
    start = 8 + length
    header = try JSONValue(parsing: Array(bytes[8..<start])).objectValue ?? [:]
  }

  func tensor(_ name: String) throws -> Tensor {
    guard let entry = header[name], let offsets = entry["data_offsets"]?.arrayValue,
      let first = offsets[0].intValue, let end = offsets[1].intValue,
      let dimensions = entry["shape"]?.arrayValue?.compactMap(\.intValue)
    else { throw FixtureError(name) }
    let dtypes: [String: DType] = [
      "F16": .float16, "F32": .float32, "F64": .float64, "I32": .int32, "I64": .int64, "U8": .uint8,
      "BOOL": .bool,
    ]
    guard let dtype = dtypes[entry["dtype"]?.stringValue ?? ""] else { throw FixtureError(name) }
    return try Tensor(
      dtype: dtype, shape: Shape(dimensions), bytes: Array(bytes[start + first..<start + end]))
  }

  func metadata(_ key: String) throws -> String {
    guard let value = header["__metadata__"]?[key]?.stringValue else { throw FixtureError(key) }
    return value
  }
}

struct FixtureError: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

/// The bytes of a file below `Fixtures/`.
func fixture(_ path: String) throws -> [UInt8] {
  let file = try FileBytes(path: "\(fixtures)/\(path)")
  return try file.withBytes(in: 0..<file.count) { $0.array }
}
