// Headers that must be refused: each with its code, and the byte of the file that the error names.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// A file that must be refused.
struct HostileHeader: Sendable, CustomTestStringConvertible {
  var what: String
  var bytes: [UInt8]
  var code: CairnError.Code
  var offset: UInt64
  var testDescription: String { what }

  init(_ what: String, bytes: [UInt8], _ code: CairnError.Code, at offset: UInt64) {
    self.what = what
    self.bytes = bytes
    self.code = code
    self.offset = offset
  }

  /// A header in which `‸` stands in front of the byte that the error must name.
  init(_ what: String, _ marked: String, data: Int = 4, _ code: CairnError.Code) {
    let parts = marked.split(separator: "‸", maxSplits: 1, omittingEmptySubsequences: false)
    self.what = what
    self.bytes = safetensors(parts.joined(), data: data)
    self.code = code
    self.offset = 8 + UInt64(parts[0].utf8.count)
  }
}

let hostileHeaders: [HostileHeader] = [
  // The length in front of the header.
  .init("no bytes", bytes: [], .truncated, at: 0),
  .init("seven bytes", bytes: [2, 0, 0, 0, 0, 0, 0], .truncated, at: 7),
  .init("a length alone", bytes: [2, 0, 0, 0, 0, 0, 0, 0], .truncated, at: 8),
  .init("length 0", bytes: safetensors("{}", length: 0), .invalidHeader, at: 0),
  .init("length beyond the file", bytes: safetensors("{}", length: 3), .truncated, at: 10),
  .init("length 1", bytes: safetensors("{}", length: 1), .invalidHeader, at: 9),
  .init("the greatest length", bytes: safetensors("{}", length: .max), .headerTooLarge, at: 0),
  .init("length 2^63", bytes: safetensors("{}", length: 1 << 63), .headerTooLarge, at: 0),
  .init(
    "length 100,000,001", bytes: safetensors("{}", length: 100_000_001), .headerTooLarge, at: 0),
  .init(
    "length 100,000,000 in a small file", bytes: safetensors("{}", length: 100_000_000),
    .truncated, at: 10),

  // The frame of the JSON.
  .init("leading space", #"‸ {}"#, data: 0, .invalidHeader),
  .init("leading line feed", "‸\n{}", data: 0, .invalidHeader),
  .init("a byte order mark", "‸\u{FEFF}{}", data: 0, .invalidHeader),
  .init("an array", "‸[]", data: 0, .invalidHeader),
  .init("spaces alone", "‸   ", data: 0, .invalidHeader),
  .init("a line feed at the end", "{}‸\n", data: 0, .invalidHeader),
  .init("a tab among the padding", "{} ‸\t ", data: 0, .invalidHeader),
  .init("a NUL at the end", "{}‸\0", data: 0, .invalidHeader),
  .init("a second object", "{}‸{}", data: 0, .invalidHeader),
  .init("garbage behind spaces", "{}  ‸x ", data: 0, .invalidHeader),
  .init("an open object", "{‸", data: 0, .invalidHeader),
  .init("a comma at the end", #"{"__metadata__":{},‸}"#, data: 0, .invalidHeader),
  .init("a comment", "{‸/**/}", data: 0, .invalidHeader),
  .init("nested too deep", #"{"a":{"shape":[‸[]]}}"#, .invalidHeader),
  .init(
    "no UTF-8 in a name", bytes: safetensors(Array(#"{"a"#.utf8) + [0xFF, 0x22, 0x3A]),
    .invalidHeader, at: 11),

  // Names and keys.
  .init(
    "one name twice",
    #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},‸"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
    .duplicateName),
  .init(
    "one name twice, once escaped",
    #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},‸"\u0061":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
    .duplicateName),
  .init(
    "a key twice in an entry",
    #"{"a":{"dtype":"U8",‸"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, .duplicateName),
  .init("a key twice in the metadata", #"{"__metadata__":{"k":"1",‸"k":"2"}}"#, .duplicateName),
  .init("the metadata twice", #"{"__metadata__":{},‸"__metadata__":{}}"#, .duplicateName),

  // The metadata.
  .init("metadata that is a list", #"{"__metadata__":‸["a"]}"#, data: 0, .invalidHeader),
  .init("a number in the metadata", #"{"__metadata__":{"k":‸1}}"#, data: 0, .invalidHeader),
  .init("null in the metadata", #"{"__metadata__":{"k":‸null}}"#, data: 0, .invalidHeader),
  .init(
    "an object in the metadata", #"{"__metadata__":{"j":"","k":‸{}}}"#, data: 0, .invalidHeader),

  // The entry.
  .init("an entry that is null", #"{"a":‸null}"#, .invalidHeader),
  .init("an entry that is a list", #"{"a":‸["U8",[4],[0,4]]}"#, .invalidHeader),
  .init("an empty entry", #"{"a":‸{}}"#, .invalidHeader),
  .init("no dtype", #"{"a":‸{"shape":[4],"data_offsets":[0,4]}}"#, .invalidHeader),
  .init("no shape", #"{"a":‸{"dtype":"U8","data_offsets":[0,4]}}"#, .invalidHeader),
  .init("no offsets", #"{"a":‸{"dtype":"U8","shape":[4]}}"#, .invalidHeader),
  .init(
    "an unknown key", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],‸"order":"C"}}"#,
    .invalidHeader),
  .init(
    "a key in capitals", #"{"a":{‸"Dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    .invalidHeader),

  // The dtype.
  .init(
    "a dtype that is a number", #"{"a":{"dtype":‸4,"shape":[1],"data_offsets":[0,4]}}"#,
    .invalidHeader),

  // The shape.
  .init(
    "a shape that is a number", #"{"a":{"dtype":"U8","shape":‸4,"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a dimension with a fraction", #"{"a":{"dtype":"U8","shape":[‸4.0],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a dimension with an exponent", #"{"a":{"dtype":"U8","shape":[1,‸4e0],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a negative dimension", #"{"a":{"dtype":"U8","shape":[4,‸-1],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "minus zero", #"{"a":{"dtype":"U8","shape":[‸-0],"data_offsets":[0,0]}}"#, data: 0,
    .invalidHeader),
  .init(
    "a leading zero", #"{"a":{"dtype":"U8","shape":[‸04],"data_offsets":[0,4]}}"#, .invalidHeader),
  .init(
    "a dimension that is a text", #"{"a":{"dtype":"U8","shape":[‸"4"],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a dimension of 2^64",
    #"{"a":{"dtype":"U8","shape":[‸18446744073709551616],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a dimension of 2^63",
    #"{"a":{"dtype":"U8","shape":[‸9223372036854775808],"data_offsets":[0,4]}}"#,
    .invalidHeader),
  .init(
    "a dimension of 2^48",
    #"{"a":{"dtype":"U8","shape":[1,‸281474976710656],"data_offsets":[0,4]}}"#,
    .invalidShape),
  .init(
    "33 dimensions",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":‸[\(Array(repeating: "1", count: 33).joined(separator: ","))],\"data_offsets\":[0,1]}}",
    data: 1, .invalidShape),
  .init(
    "a shape that overflows",
    #"{"a":{"dtype":"U8","shape":‸[4294967296,4294967296],"data_offsets":[0,0]}}"#,
    data: 0, .invalidShape),
  .init(
    "a shape that overflows before its zero",
    #"{"a":{"dtype":"U8","shape":‸[4294967296,4294967296,0],"data_offsets":[0,0]}}"#,
    data: 0, .invalidShape),
  .init(
    "a shape whose bits overflow",
    #"{"a":{"dtype":"U64","shape":‸[4294967296,67108864],"data_offsets":[0,0]}}"#,
    data: 0, .invalidShape),
  .init(
    "half a byte", #"{"a":{"dtype":"F4","shape":‸[3],"data_offsets":[0,2]}}"#, data: 2,
    .invalidShape),
  .init(
    "6-bit elements that end within a byte",
    #"{"a":{"dtype":"F6_E2M3","shape":‸[2],"data_offsets":[0,2]}}"#, data: 2, .invalidShape),

  // The offsets.
  .init(
    "one offset", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":‸[0]}}"#, .invalidHeader),
  .init(
    "three offsets", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":‸[0,4,4]}}"#,
    .invalidHeader),
  .init(
    "offsets that are an object", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":‸{}}}"#,
    .invalidHeader),
  .init(
    "an offset with a fraction", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,‸4.0]}}"#,
    .invalidHeader),
  .init(
    "an offset of 1e3", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[‸1e3,4]}}"#,
    .invalidHeader),
  .init(
    "a negative offset", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[‸-4,0]}}"#,
    .invalidHeader),
  .init(
    "an offset above 2^63",
    #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,‸9223372036854775808]}}"#,
    .invalidHeader),
  .init(
    "an end ahead of the beginning", #"{"a":{"dtype":"U8","shape":[4],"data_offsets":‸[4,0]}}"#,
    .invalidHeader),
  .init(
    "fewer bytes than the shape", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":‸[0,4]}}"#,
    .sizeMismatch),
  .init(
    "more bytes than the shape", #"{"a":{"dtype":"U8","shape":[3],"data_offsets":‸[0,4]}}"#,
    .sizeMismatch),
  .init(
    "bytes for an empty tensor", #"{"a":{"dtype":"U8","shape":[0],"data_offsets":‸[0,4]}}"#,
    .sizeMismatch),
  .init(
    "no bytes for a scalar", #"{"a":{"dtype":"U8","shape":[],"data_offsets":‸[0,0]}}"#,
    .sizeMismatch),

  // The tensors among one another, and the data.
  .init(
    "a hole at the start", #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[‸1,4]}}"#,
    .gapBetweenTensors),
  .init(
    "a hole between two",
    #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[‸3,4]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#,
    .gapBetweenTensors),
  .init(
    "an empty tensor far out",
    #"{"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[‸9,9]}}"#,
    .gapBetweenTensors),
  .init(
    "two that overlap",
    #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[ ‸2,4]}}"#,
    .overlappingTensors),
  .init(
    "two at one place",
    #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[‸0,4]}}"#,
    .overlappingTensors),
  .init(
    "an empty tensor inside another",
    #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[‸2,2]}}"#,
    .overlappingTensors),
  .init("data that no tensor has", #"{}‸"#, data: 1, .trailingBytes),
  .init(
    "a byte too many", bytes: safetensors(oneTensor, data: 5), .trailingBytes,
    at: UInt64(8 + oneTensor.utf8.count + 4)),
  .init(
    "a byte too few", bytes: safetensors(oneTensor, data: 3), .truncated,
    at: UInt64(8 + oneTensor.utf8.count + 3)),
  .init(
    "more data than there can be",
    bytes: safetensors(
      #"{"a":{"dtype":"U8","shape":[70368744177664],"data_offsets":[0,70368744177664]}}"#, data: 4),
    .truncated, at: 8 + 79 + 4),
]

private let oneTensor = #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#

@Suite("Safetensors: what is refused")
struct SafetensorsRefusalTests {
  @Test(
    "A header that breaks a rule is refused with its code at its byte", arguments: hostileHeaders)
  func hostile(_ header: HostileHeader) {
    for inMemory in [true, false] {
      let error = #expect(throws: CairnError.self) {
        if inMemory {
          _ = try open(header.bytes)
        } else {
          _ = try SafetensorsFile(PositionedBytes(bytes: header.bytes))
        }
      }
      #expect(error?.code == header.code, "\(String(describing: error))")
      #expect(error?.location.offset == header.offset, "\(String(describing: error))")
      #expect(inMemory || error?.location.file == "positioned")
    }
  }

  @Test("An error names the tensor")
  func namesTheTensor() {
    let error = #expect(throws: CairnError.self) {
      try open(
        safetensors(
          #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"layer.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,9]}}"#,
          data: 9))
    }
    #expect(error?.location.name == "layer.bias")
    #expect(error?.expected == "4 bytes" && error?.found == "5")
    #expect(error?.advice != nil)
  }

  /// The beginnings of entries: a name, and a type.
  private static let oddEntries = [
    "\"\":{\"dtype\":\"U8\"", "\"a\\u0000b\":{\"dtype\":\"U8\"", "\"a\u{85}\":{\"dtype\":\"U8\"",
    "\"\(String(repeating: "n", count: 1_025))\":{\"dtype\":\"U8\"",
    "\"a\":{\"dtype\":\"F31\"", "\"a\":{\"dtype\":\"f32\"", "\"a\":{\"dtype\":\"\\u001b[2J\"",
  ]

  @Test(
    "A name that none can have here, or a type that is not known, hides nothing",
    arguments: oddEntries)
  func unread(_ entry: String) throws {
    let sound = "\"ok\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]}"
    let file = try open(
      safetensors("{\(entry),\"shape\":[4],\"data_offsets\":[0,4]},\(sound)}", data: 6))
    #expect(try file.entries().map(\.name) == ["ok"])
    #expect(file.opaqueItems.count == 1)
    // The bytes of what is not read are no gap, and must be there.
    #expect(throws: CairnError.self) {
      try open(safetensors("{\(entry),\"shape\":[4],\"data_offsets\":[0,3]},\(sound)}", data: 6))
    }
  }

  @Test("A key of the metadata that none can be here hides nothing", arguments: ["", "k\\n"])
  func unreadMetadata(_ key: String) throws {
    let file = try open(
      safetensors("{\"__metadata__\":{\"a\":\"b\",\"\(key)\":\"v\"}}", data: 0))
    #expect(file.metadata.keys == ["a"])
    #expect(file.opaqueItems.map(\.type) == ["metadata"])
  }

  @Test("A text of the metadata that is a tensor's name makes no tensor")
  func noPhantoms() throws {
    let tensors = "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}"
    let file = try open(
      safetensors("{\"__metadata__\":{\"monitor\":\"w\"},\(tensors)}", data: 1))
    #expect(file.count == 1 && file.metadata["monitor"] == .string("w"))
    // What would be read as a tie, and is none, is not written.
    var source = try NamedTensors([("a.w", Tensor([1] as [Int8]))])
    source.metadata["best.w"] = .string("a.w")
    #expect(throws: CairnError.self) { try source.encoded(as: .safetensors).array }
  }

  @Test("A text from a stranger stands in a message escaped and cut short")
  func excerpts() {
    let error = #expect(throws: CairnError.self) {
      try open(
        safetensors(
          "{\"a\":{\"\\u001b[2J\(String(repeating: "x", count: 1_000))\":0}}", data: 4))
    }
    #expect(error?.found?.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    #expect((error?.found?.count ?? 1_000) < 60)
  }

  @Test("The caller can lower the limit of the header")
  func lowerLimit() throws {
    let bytes = safetensors("{}      ")
    _ = try SafetensorsFile(MemoryBytes(bytes), maximumHeaderByteCount: 8)
    let error = #expect(throws: CairnError.self) {
      _ = try SafetensorsFile(MemoryBytes(bytes), maximumHeaderByteCount: 7)
    }
    #expect(error?.code == .headerTooLarge)
  }

  /// Two tensors, metadata and padding in 178 bytes.
  private static let small = safetensors(
    #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}}  "#,
    data: 10)

  @Test("Every truncation of a file is refused")
  func everyTruncation() throws {
    _ = try open(Self.small)
    for count in 0..<Self.small.count {
      let error = #expect(throws: CairnError.self) { try open(Array(Self.small.prefix(count))) }
      #expect(error?.code == .truncated)
      #expect(error?.location.offset == UInt64(count))
    }
  }

  @Test("Every change of one byte is refused, or gives another content, and never traps")
  func everyByteChange() throws {
    // The data is zero, so that the bools among it are some.
    let valid = Self.small.dropLast(10) + [UInt8](repeating: 0, count: 10)
    let original = try NamedTensors(reading: open(Array(valid)))
    for position in valid.indices {
      for value in UInt8.min...UInt8.max where value != valid[position] {
        var bytes = Array(valid)
        bytes[position] = value
        do throws(CairnError) {
          let file = try open(bytes)
          let changed = try NamedTensors(reading: file)
          let isSame =
            changed.names == original.names && changed.metadata == original.metadata
            && changed.names.allSatisfy { changed[$0] == original[$0] }
          #expect(!isSame, "byte \(position) became \(value)")
        } catch {
          #expect(error.location.offset != nil)
        }
      }
    }
  }
}
