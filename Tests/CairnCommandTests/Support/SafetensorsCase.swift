// Files in the safetensors format that must be refused.

import CairnForeign
import CairnTensors
import CairnTestSupport
import Testing

struct SafetensorsCase: Sendable, CustomTestStringConvertible {
  var what: String
  var header: String
  var data: Int
  /// The length that the file declares for its header, if not the true one.
  var length: Int?
  var code: String

  init(_ what: String, _ header: String, data: Int = 0, length: Int? = nil, _ code: String) {
    self.what = what
    self.header = header
    self.data = data
    self.length = length
    self.code = code
  }

  var testDescription: String { what }

  /// The bytes of a good file.
  static func valid(in folder: TestFolder) throws -> [UInt8] {
    try folder.writeSafetensors(Samples.plain(), to: "valid.safetensors")
    return try folder.bytes("valid.safetensors")
  }

  private static let deep =
    String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)

  static let hostile: [SafetensorsCase] = [
    Self("no JSON", "{no json}", "invalidHeader"),
    Self("an array", "[]", "invalidHeader"),
    Self("arrays without end", #"{"a":\#(deep)}"#, "invalidHeader"),
    Self(
      "a header of an exabyte", #"{"a":{}}"#, length: 1 << 60, "headerTooLarge"),
    Self("a header longer than the file", #"{"a":{}}"#, length: 1_000, "truncated"),
    Self(
      "a shape of other bytes", #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#, data: 4,
      "sizeMismatch"),
    Self(
      "a shape that overflows",
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#,
      data: 4, "invalidShape"),
    Self(
      "a negative dimension", #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4,
      "invalidHeader"),
    Self(
      "offsets backwards", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4,
      "invalidHeader"),
    Self(
      "two tensors on the same bytes",
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
      data: 3, "overlappingTensors"),
    Self(
      "bytes of nobody", #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, data: 3,
      "gapBetweenTensors"),
    Self(
      "a name twice",
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
      data: 2, "duplicateName"),
    Self(
      "metadata that is no text", #"{"__metadata__":{"a":1}}"#, "invalidHeader"),
    Self(
      "bytes at the end", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 2,
      "trailingBytes"),
    Self(
      "bytes missing", #"{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}"#, data: 2,
      "truncated"),
  ]
}
