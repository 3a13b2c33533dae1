// The table of element types against the one in FORMAT.md, section 11.

import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct DTypeTableTests {
  /// Code, name, bits, component bytes, whether it rotates: the cells of the two halves of the table.
  private static func documented() throws -> [[String]] {
    let text = try String(contentsOfFile: repository + "/FORMAT.md", encoding: .utf8)
    let section = text.components(separatedBy: "\n## 11 Dtypes\n").last ?? ""
    var rows: [[String]] = []
    for line in section.components(separatedBy: "\n\n").dropFirst().prefix(2).joined()
      .components(separatedBy: "\n")
    {
      let cells = line.components(separatedBy: "|").dropFirst().dropLast()
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 11 else { continue }
      for half in [cells[..<5], cells[6...]] where Int(half[half.startIndex]) != nil {
        rows.append(Array(half))
      }
    }
    return rows
  }

  @Test func `the table is the one that FORMAT.md gives`() throws {
    let rows = try Self.documented()
    let block = try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18))
    let types = DType.allPlain + [.quantized(block)]
    #expect(rows.count == types.count)
    for type in types {
      let row = type.row
      let cells = [
        "\(row.code)", row.name, row.bits.map { "\($0)" } ?? "", "\(row.planes)",
        row.rotates ? "yes" : "",
      ]
      #expect(rows.contains(cells), "\(type)")
    }
  }

  @Test func `a plain type is found by its code and by its name, and none by another code`() {
    for type in DType.allPlain {
      #expect(DType(code: type.row.code) == type)
      #expect(DType(name: type.name) == type)
    }
    let codes = DType.allPlain.map(\.row.code)
    #expect(Set(codes).count == codes.count)
    #expect(codes.sorted() == codes)
    #expect(DType(code: 0) == nil)
    #expect(DType(code: 27) == nil)
    #expect(DType(code: DType.largestCode + 1) == nil)
    #expect(DType(code: .max) == nil)
  }
}
