// SIGKILL, at any moment: the file is the old or the new one, and what is left beside it says that
// it is no checkpoint.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite(.serialized) struct KillTests {
  /// 200 with `make test-crash`, of a larger file; in every run of the tests a few.
  private static let killCount = Effort.isFull ? 200 : 12
  private static let byteCount = Effort.isFull ? 8 << 20 : 2 << 20

  private let folder: TestFolder
  private let old: [UInt8]
  private let new: [UInt8]

  init() async throws {
    folder = try TestFolder()
    try folder.makeFolder("out")
    for (seed, name) in [(1, "old"), (2, "new")] {
      try folder.writeNoise(Self.byteCount, seed: UInt64(seed), to: "\(name).safetensors")
      try await cairn("convert", "\(name).safetensors", "\(name).cairn", in: folder)
        .expectSuccess()
      try await cairn("verify", "--deep", "\(name).cairn", in: folder).expectSuccess()
    }
    old = try folder.bytes("old.cairn")
    new = try folder.bytes("new.cairn")
    #expect(old != new)
  }

  /// Begins to put the new file in the old one's place.
  private func begin() throws -> RunningCommand {
    try RunningCommand(
      BuiltCommand.path, ["convert", "new.safetensors", "out/target.cairn"], in: folder)
  }

  /// How long that takes when nobody interferes.
  private func duration() async throws -> Duration {
    var all: [Duration] = []
    for _ in 0..<3 {
      let clock = ContinuousClock()
      let start = clock.now
      try await begin().wait().expectSuccess()
      all.append(clock.now - start)
    }
    return all.sorted()[1]
  }

  @Test func `A file whose replacement is killed is the old or the new one, whole`() async throws {
    let duration = try await duration()
    var random = SeededNumbers(9)
    var found = (old: 0, new: 0, leftovers: 0)
    for number in 0..<Self.killCount {
      try folder.write(old, to: "out/target.cairn")
      let command = try begin()
      switch number % 4 {
      case 0: try waitUntilWritten(Double.random(in: 0...1, using: &random), by: command)
      // The last moments are short: these wait for them.
      case 1: try waitUntilWritten(1, by: command)
      default: pause(duration * Double.random(in: 0...1.1, using: &random))
      }
      command.send(SIGKILL)
      let status = try await command.wait().status
      #expect(status == -SIGKILL || status == 0)
      let target = try folder.bytes("out/target.cairn")
      #expect(target == old || target == new, "kill \(number)")
      if target == old { found.old += 1 } else { found.new += 1 }
      try await cairn("verify", "out/target.cairn", in: folder).expectSuccess()
      found.leftovers += try checkLeftovers("kill \(number)")
    }
    if Effort.isFull {
      // It was killed in the middle too.
      #expect(found.old > 0 && found.leftovers > 0)
      print("\(Self.killCount) kills: \(found.old) old, \(found.new) new files, none else;")
      print("\(found.leftovers) temporary files, none of them taken for a checkpoint")
    }
  }

  /// Returns when the temporary file has that part of its bytes, or the command has ended.
  private func waitUntilWritten(_ part: Double, by command: RunningCommand) throws {
    let count = Int(Double(new.count) * part)
    while command.isRunning {
      for name in try folder.names(in: "out") where name.hasSuffix(".tmp") {
        let attributes = try? FileManager.default.attributesOfItem(
          atPath: folder.file("out/" + name))
        if let size = attributes?[.size] as? Int, size >= count { return }
      }
      pause(.microseconds(200))
    }
  }

  /// Holds the thread: a task that sleeps is woken after all tests that are waiting for a thread.
  private func pause(_ duration: Duration) {
    Thread.sleep(forTimeInterval: duration / .seconds(1))
  }

  /// Checks and removes what stands beside the target.
  ///
  /// - Returns: How many files that were.
  private func checkLeftovers(_ when: Comment) throws -> Int {
    let names = try folder.names(in: "out").filter { $0 != "target.cairn" }
    for name in names {
      // Recognisable: whose it is, and the process that left it.
      #expect(name.wholeMatch(of: /\.target\.cairn\.[0-9]+\.[0-9]+\.tmp/) != nil, when)
      let path = folder.file("out/" + name)
      let found = code { _ = try Container(path: path).verify(.structure) }
      if let found {
        #expect([.notCommitted, .truncated, .notACairnFile].contains(found), when)
      } else {
        // All written, and killed before the rename.
        #expect(try folder.bytes("out/" + name) == new, when)
      }
      try FileManager.default.removeItem(atPath: path)
    }
    return names.count
  }

  @Test func `What a killed process has left is in nobody's way, and stays`() async throws {
    try folder.write(old, to: "out/target.cairn")
    let left = "out/.target.cairn.1.1.tmp"
    try folder.write(Array(new.prefix(1_000)), to: left)
    try await cairn("convert", "new.safetensors", "out/target.cairn", in: folder).expectSuccess()
    #expect(try folder.bytes("out/target.cairn") == new)
    // It may belong to a process on another machine that shares the folder.
    #expect(try folder.bytes(left) == Array(new.prefix(1_000)))
    #expect(try folder.names(in: "out").count == 2)
  }
}

extension TestFolder {
  /// Writes a safetensors file of `count` bytes of float32 bit patterns that no coder makes smaller.
  func writeNoise(_ count: Int, seed: UInt64, to name: String) throws {
    var random = SeededNumbers(seed)
    var data: [UInt8] = []
    data.reserveCapacity(count)
    for _ in 0..<count / 8 {
      let number: UInt64 = random.next()
      unsafe withUnsafeBytes(of: number.littleEndian) { unsafe data.append(contentsOf: $0) }
    }
    let header = #"{"noise":{"dtype":"F32","shape":[\#(count / 4)],"data_offsets":[0,\#(count)]}}"#
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try write(length + Array(header.utf8) + data, to: name)
  }
}
