// The Swift example of README.md: compiled here, run, and held against what the page shows.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite struct ReadmeExampleTests {
  @Test func `The example runs and its copies are what it says`() throws {
    let folder = try TestFolder()
    let previous = FileManager.default.currentDirectoryPath
    #expect(try example(in: folder) == "same true, independent true")
    #expect(FileManager.default.currentDirectoryPath == previous)
    #expect(try folder.names() == ["model.cairn"])
  }

  private func example(in folder: TestFolder) throws -> String {
    let path = folder.file("model.cairn")
    // README begins
    let model = try Sequential([
      InputLayer(shape: [4]), Dense(8, activation: .relu), Dense(3, activation: .softmax),
    ])
    try model.save(to: path)
    let restored = try Model.load(from: path)
    let copy = try model.deepCopy()
    let report = try compare(restored, copy)
    let proof = try proveIndependence(of: ModelTensors.live(model), from: ModelTensors.live(copy))
    let verdict = "same \(report.isSame), independent \(proof.isDisjoint)"
    // README ends
    return verdict
  }

  @Test func `README shows the very lines that are compiled here`() throws {
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
    let readme = try String(contentsOfFile: repository + "/README.md", encoding: .utf8)
    let lines = here.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasSuffix("// README begins") })
    let end = try #require(lines.firstIndex { $0.hasSuffix("// README ends") })
    let code = lines[(start + 1)..<end].map { $0.dropFirst(4) }.joined(separator: "\n")
    #expect(readme.contains(code))
  }
}
