// What each format's own library wrote, read as that library reads it.

import CairnCheckpoints
import CairnModelFiles
import CairnTestSupport
import Testing

@Suite struct FixtureTests {
  /// A folder of fixtures.
  struct Folder: Sendable, CustomTestStringConvertible {
    var name: String
    /// How many files it has.
    var count: Int
    /// The formats of its files by their extensions; of all others, that of "".
    var formats: [String: String]

    var testDescription: String { name }
  }

  static let folders = [
    Folder(name: "numpy", count: 35, formats: ["npy": "npy", "npz": "npz"]),
    Folder(name: "torch", count: 11, formats: ["": "pytorch"]),
    Folder(name: "torch_matrix", count: 12, formats: ["": "pytorch"]),
    Folder(name: "tensorflow", count: 8, formats: ["": "tensorflow"]),
    Folder(name: "onnx", count: 7, formats: ["": "onnx"]),
    Folder(name: "gguf", count: 3, formats: ["": "gguf"]),
    Folder(name: "gguf_more", count: 5, formats: ["": "gguf"]),
    Folder(name: "hdf5", count: 10, formats: ["keras": "keras", "": "hdf5"]),
    Folder(name: "sharded", count: 3, formats: ["safetensors": "safetensors", "": "sharded"]),
  ]

  @Test(arguments: folders)
  func `Every fixture is there`(folder: Folder) {
    #expect(FormatFixture.all(folder.name).count == folder.count)
  }

  @Test(
    arguments: folders.flatMap { folder in FormatFixture.all(folder.name).map { (folder, $0) } })
  func `What a library wrote is read as it reads it`(folder: Folder, fixture: FormatFixture) throws
  {
    try fixture.check()
    let file = try CheckpointFile.open(fixture.path)
    let ending = fixture.file.split(separator: ".").last.map(String.init) ?? ""
    #expect(file.formatName == folder.formats[ending] ?? folder.formats[""])
    try file.verify(.deep)
  }
}
