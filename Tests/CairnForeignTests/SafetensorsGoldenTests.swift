// Files that Python's safetensors wrote: read as expected.json says, and written back as they were.

import CairnCheckpoints
import CairnForeign
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Safetensors: files of the format's own library")
struct SafetensorsGoldenTests {
  static let folder = fixtures + "/safetensors/"
  static let readable = [
    "every_dtype", "no_tensors", "no_tensors_but_metadata", "scalar", "empty_tensors",
    "metadata_pt", "unicode_names", "mixed_alignment", "many_dimensions", "layers_0_to_11",
  ]

  @Test("Each reads as its description says", arguments: readable)
  func reads(_ name: String) throws {
    let expected = try JSONValue(parsing: contents(of: Self.folder + "expected.json"))
    let description = try #require(expected["files"]?[name + ".safetensors"])
    let file = try SafetensorsFile(path: Self.folder + name + ".safetensors")
    let names = try #require(description["tensors_in_file_order"]?.arrayValue)
    #expect(file.fileByteCount == description["size"]?.intValue)
    #expect(try file.entries().map { $0.name.string } == names.compactMap(\.stringValue))
    for entry in try file.entries() {
      let tensor = try #require(description["tensors"]?[entry.name.string])
      #expect(SafetensorsDType.spelling(of: entry.dtype)?.name == tensor["dtype"]?.stringValue)
      #expect(entry.shape.dimensions == tensor["shape"]?.arrayValue?.compactMap(\.intValue))
      #expect(entry.byteCount == tensor["bytes"]?.intValue)
    }
    for (key, value) in description["metadata"]?.objectValue ?? [:] {
      #expect(file.metadata[try .init(key)] == value.stringValue.map(MetadataValue.string))
    }
  }

  @Test("Each is written back byte for byte", arguments: readable)
  func rewrites(_ name: String) throws {
    let path = Self.folder + name + ".safetensors"
    let original = try contents(of: path)
    #expect(try SafetensorsFile(path: path).encoded(as: .safetensors).array == original)
    // Also through memory, where nothing of the file is left but names, bits and order.
    let tensors = try NamedTensors(reading: SafetensorsFile(path: path, access: .mapped))
    #expect(try tensors.encoded(as: .safetensors).array == original)
  }

  @Test(
    "Other files of that library, written back byte for byte",
    arguments: [
      "digits/images", "digits/weights", "keras/stacks/models", "tensors/casts",
    ])
  func rewritesOthers(_ name: String) throws {
    let path = fixtures + "/" + name + ".safetensors"
    #expect(try SafetensorsFile(path: path).encoded(as: .safetensors).array == contents(of: path))
  }

  @Test(
    "An empty name and an empty key, which that library lets pass, hide nothing",
    arguments: ["empty_name", "metadata_text"])
  func names(_ name: String) throws {
    let file = try SafetensorsFile(path: Self.folder + name + ".safetensors")
    #expect(file.opaqueItems.count == 1 && file.opaqueItems.first?.path == [])
  }

  @Test("Values of every type are the ones that NumPy wrote")
  func values() throws {
    let file = try SafetensorsFile(path: Self.folder + "every_dtype.safetensors")
    #expect(try file.tensor(named: "bool").scalars(of: Bool.self) == [true, false, true, true])
    #expect(try file.tensor(named: "int8").scalars(of: Int8.self) == [-128, -1, 0, 127])
    #expect(try file.tensor(named: "uint64").scalars(of: UInt64.self) == [0, 1, 1 << 63, .max])
    let floats = try file.tensor(named: "float32").scalars(of: Float.self)
    let first: [Float] = [0, -0.0, 1, -1.5, 2, -0.25, .infinity]
    #expect(floats[0..<7].map(\.bitPattern) == first.map(\.bitPattern))
    #expect(floats[7].isNaN && floats[9] == Float.leastNonzeroMagnitude)
    #expect(try file.tensor(named: "float8_e8m0fnu").bytes == Array(0...255))
    let float4 = try #require(try file.index(of: "float4"))
    #expect(try file.entry(at: float4).shape == [2, 8])
  }
}
