// Every small input that once failed, and what the command does with it now: Fixtures/cases/table.txt.

import CairnCheckpoints
import CairnForeign
import CairnModelFiles
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct CaseTableTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var status: Int32
    var words: [String]
    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static let folder = fixtures + "/cases"

  /// The rows of the table. If it cannot be read there are none, which a test forbids.
  static let rows: [Row] = {
    guard let data = try? Data(contentsOf: URL(filePath: folder + "/table.txt")) else { return [] }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
      guard !line.hasPrefix("#") else { return nil }
      let columns = line.split(separator: " | ").map(String.init)
      guard columns.count == 3, let status = Int32(columns[1]) else { return nil }
      return Row(
        arguments: columns[0].split(separator: " ").map(String.init), status: status,
        words: columns[2].split(separator: " & ").map(String.init))
    }
  }()

  @Test func `The table has rows, and every input stands in one`() throws {
    #expect(Self.rows.count > 120)
    let named = Set(Self.rows.flatMap(\.arguments))
    let paths = try FileManager.default.subpathsOfDirectory(atPath: Self.folder).filter {
      // What is a companion of another, and what belongs to a model.
      !$0.hasSuffix(".npy") && !$0.hasSuffix("table.txt") && $0.contains(".")
        && !$0.contains("-of-0000") && !$0.contains("_nfc/") && $0 != "formats/both.bin"
        && !$0.hasSuffix(".json") && !$0.hasSuffix(".weights.h5") && !$0.contains("writers/")
        && !$0.contains("empty.safetensors")
    }
    for path in paths {
      #expect(named.contains { path.hasPrefix($0) || $0.hasPrefix(path) }, "\(path)")
    }
  }

  @Test(arguments: rows)
  func `Each input does what its row says`(row: Row) async throws {
    let output = try TestFolder()
    if row.arguments[0] == "predict", row.arguments.count == 2 {
      return try await predict(row, output)
    }
    let arguments = row.arguments.map { argument in
      if argument.hasPrefix("{out}") { return output.file("out" + argument.dropFirst(5)) }
      let path = Self.folder + "/" + argument
      return argument.contains("/") ? path : argument
    }
    let run = try await cairn(arguments, in: output)
    #expect(run.status == row.status, "\(run.errors)")
    for word in row.words {
      #expect((run.output + run.errors).contains(word), "\(word)\n\(run.output)\n\(run.errors)")
    }
    if row.status == 2 { #expect(try output.names() == []) }
  }

  /// Runs a model on its inputs, and holds the outputs against those of Keras.
  private func predict(_ row: Row, _ folder: TestFolder) async throws {
    let model = Self.folder + "/" + row.arguments[1]
    let stem = String(model[..<(try #require(model.lastIndex(of: ".")))])
    var words = ["predict", model]
    if model.hasSuffix(".config.json") {
      let weights = model.replacingOccurrences(of: ".config.json", with: ".weights.h5")
      words = ["predict", "--config", model, weights]
    }
    for number in 0..<9 {
      let input = "\(stem).in\(number).npy"
      guard FileManager.default.fileExists(atPath: input) else { break }
      words += ["--input", input]
    }
    let run = try await cairn(words + ["--output", "y.npy"], in: folder)
    #expect(run.status == row.status, "\(run.errors)")
    guard run.status == 0 else { return }
    let found = try CheckpointFile.open(folder.file("y.npy")).source.tensor(at: 0)
    let expected = try CheckpointFile.open("\(stem).out0.npy").source.tensor(at: 0)
    #expect(found.shape == expected.shape)
    let left: [Double] = try found.cast(to: .float64).scalars()
    let right: [Double] = try expected.cast(to: .float64).scalars()
    let scale = right.reduce(0) { max($0, abs($1)) }
    let tolerance = try #require(row.words.first.flatMap(Double.init))
    let distance = zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(distance <= tolerance * scale, "\(distance / scale)")
  }
}
