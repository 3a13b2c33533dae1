// The worked example of FORMAT.md, section 19, byte for byte.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct WorkedExampleTests {
  /// The file that the section describes, as the writer makes it.
  private func written() throws -> [UInt8] {
    let folder = try TestFolder()
    let path = folder.file("example.cairn")
    var options = WriteOptions()
    options.codec = .raw
    options.digests = false
    let writer = try ContainerWriter(path: path, options: options)
    try writer.append(Tensor([1.0, -2.5] as [Float]), named: "w")
    try writer.appendAlias("v", of: "w")
    _ = try writer.finish()
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// The bytes that the specification shows: lines of an offset and hexadecimal bytes; what no line
  /// shows is zero.
  private func specified() throws -> [UInt8] {
    let text = try String(contentsOfFile: repository + "/FORMAT.md", encoding: .utf8)
    let section = try #require(text.range(of: "## 19 Worked example"))
    let end = try #require(text.range(of: "## 20 Test vectors"))
    var bytes: [UInt8] = []
    for line in text[section.upperBound..<end.lowerBound].split(separator: "\n") {
      let fields = line.split(separator: "|", maxSplits: 1)[0].split(separator: " ")
      guard let first = fields.first, first.count == 4, let offset = Int(first, radix: 16),
        fields.count > 1, fields.dropFirst().allSatisfy({ $0.count == 2 })
      else { continue }
      let shown = try fields.dropFirst().map { try #require(UInt8($0, radix: 16)) }
      bytes += [UInt8](repeating: 0, count: max(0, offset + shown.count - bytes.count))
      bytes.replaceSubrange(offset..<offset + shown.count, with: shown)
    }
    return bytes
  }

  @Test func `The writer makes the file that the specification shows`() throws {
    #expect(try specified() == written())
  }

  @Test func `The file that the specification shows can be read`() throws {
    let container = try Container(MemoryBytes(specified()))
    _ = try container.verify(.deep)
    #expect(try container.tensor(named: "w").scalars(of: Float.self) == [1, -2.5])
    let alias = try #require(try container.index(of: "v"))
    #expect(try container.entry(at: alias).aliasOf == "w")
  }
}
