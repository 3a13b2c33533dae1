// `cairn demo`: a test of its own, which fails if one of its claims does not hold.

import CairnCheckpoints
import CairnTestSupport
import Foundation
import Testing

@Suite struct DemoTests {
  private let folder: TestFolder
  private static let sound = " claims were checked in this run, and hold."

  init() throws { folder = try TestFolder() }

  private func demo(_ arguments: String..., fixtures: String = fixtures) async throws -> CommandRun
  {
    try await cairn(
      ["demo", "--fixtures", fixtures] + arguments, in: folder,
      environment: ["TMPDIR": folder.path])
  }

  /// A text of the metadata of the held-out images.
  private func metadata(_ key: String) throws -> String {
    let bytes = try folder.bytes(fixtures + "/digits/images.safetensors")
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let header = try JSONDecoder().decode(
      Header.self, from: Data(bytes.dropFirst(8).prefix(length)))
    return try #require(header.metadata[key])
  }

  private struct Header: Decodable {
    var metadata: [String: String]
    enum CodingKeys: String, CodingKey { case metadata = "__metadata__" }
  }

  @Test func `Without weights it shows the classifier, and Keras's accuracy is Cairn's`()
    async throws
  {
    let run = try await demo()
    run.expectSuccess()
    #expect(run.output.hasSuffix(Self.sound + "\n"))
    #expect(run.output.contains("Skipped: no --weights."))
    let accuracy = try #require(Double(try metadata("accuracy")))
    let score =
      try "\(metadata("correct")) of \(metadata("count"))  "
      + String(format: " %.2f %%", accuracy * 100)
    for who in ["Keras", "Cairn"] { #expect(run.output.contains("\n  \(who)  \(score)\n")) }
    for line in run.output.split(separator: "\n") { #expect(line.count <= 90, "\(line)") }
    #expect(try folder.names() == [], "temporary files are gone")
  }

  @Test func `With weights it takes them there and back`() async throws {
    let run = try await demo("--weights", fixtures + "/digits/weights.safetensors")
    run.expectSuccess()
    #expect(run.output.hasSuffix(Self.sound + "\n"))
    #expect(run.output.contains("✓ 10 tensors compared, 0 differences"))
    #expect(run.output.contains("✓ the files are the same, byte for byte (cmp)"))
    for line in run.output.split(separator: "\n") { #expect(line.count <= 90, "\(line)") }
    #expect(try folder.names() == [])
  }

  @Test func `Files that are to be kept are kept, and are good`() async throws {
    try await demo(
      "--keep", "kept", "--weights", fixtures + "/digits/weights.safetensors"
    ).expectSuccess()
    #expect(try folder.names() == ["kept"])
    for file in ["digits.cairn", "model.cairn", "model.safetensors"] {
      try await cairn("verify", "--deep", "kept/\(file)", in: folder).expectSuccess()
    }
  }

  @Test func `A claim that does not hold is named, and is a failure`() async throws {
    try FileManager.default.copyItem(
      atPath: fixtures + "/digits", toPath: folder.file("digits"))
    let correct = try metadata("correct")
    var images = try Data(folder.bytes("digits/images.safetensors"))
    let place = try #require(images.range(of: Data("\"correct\":\"\(correct)\"".utf8)))
    images.replaceSubrange(place, with: Data("\"correct\":\"100\"".utf8))
    try folder.write([UInt8](images), to: "digits/images.safetensors")
    let run = try await demo(fixtures: folder.path)
    #expect(run.status == 2)
    #expect(run.output.contains("✗ Cairn's accuracy is Keras's – DOES NOT HOLD"))
    #expect(run.errorLines.last == "cairn:   Cairn's accuracy is Keras's")
    #expect(!run.output.contains(Self.sound))
  }

  @Test func `What is missing is said before anything is shown`() async throws {
    let run = try await demo(fixtures: "nowhere")
    run.expectFailure("notFound")
    #expect(run.errors.contains("--fixtures"))
    try await demo("--weights", "nowhere").expectFailure("notFound")
    #expect(try folder.names() == [])
  }

  @Test func `A reader that goes away leaves no temporary files`() async throws {
    try folder.makeFolder("temporary")
    let run = try await shell(
      "TMPDIR=$PWD/temporary \"$CAIRN\" demo --fixtures \"$1\" | head -n 3", fixtures,
      in: folder)
    #expect(run.status == 0)
    #expect(try folder.names(in: "temporary") == [])
  }
}
