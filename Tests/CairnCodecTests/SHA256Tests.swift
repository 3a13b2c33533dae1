// SHA-256 in every way that the machine has, against NIST's vectors and OpenSSL. Tests/Decoders/test_sha256.py
// does the same with far more messages, and with vectors of sixteen lanes on any machine.

import CairnTestSupport
import Foundation
import Testing

@testable import CairnCodec

@Suite("SHA-256")
struct SHA256Tests {
  /// What the files of NIST's programme say, a `name = value` a line.
  private struct Response {
    var entries: [[String: String]] = []

    init(_ file: String) throws {
      let text = try String(contentsOfFile: fixtures + "/sha256/" + file, encoding: .utf8)
      var entry: [String: String] = [:]
      for line in text.split(separator: "\n") {
        let parts = line.components(separatedBy: " = ")
        guard parts.count == 2 else { continue }
        entry[parts[0]] = parts[1]
        guard parts[0] == "MD" || parts[0] == "Seed" else { continue }
        entries.append(entry)
        entry = [:]
      }
    }
  }

  /// What `make_sha256.py` writes.
  private struct Expected: Decodable {
    struct Message: Decodable {
      var length: Int
      var digests: String

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        length = try values.decode(Int.self)
        digests = try values.decode(String.self)
      }
    }
    var lengths: [Message]
    var starts: [Message]

    static func read() throws -> Expected {
      let path = fixtures + "/sha256/openssl.json"
      return try JSONDecoder().decode(
        Expected.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// The text that the messages are parts of.
    static let text = (0..<UInt32(1 << 20) + 128).map { UInt8(($0 &* 2_654_435_761) >> 24) }
  }

  private static func hex(_ digests: [[UInt8]]) -> String {
    digests.joined().map { String(format: "%02x", $0) }.joined()
  }

  private static func bytes(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  @Test("NIST's short and long messages", arguments: SHA256.Way.available)
  func messages(way: SHA256.Way) throws {
    for (file, count) in [("SHA256ShortMsg.rsp", 65), ("SHA256LongMsg.rsp", 64)] {
      let entries = try Response(file).entries
      #expect(entries.count == count)
      for entry in entries {
        let length = try #require(entry["Len"].flatMap { Int($0) }) / 8
        let message = Array(Self.bytes(try #require(entry["Msg"]))[..<length])
        let expected = try #require(entry["MD"])
        #expect(Self.hex([SHA256.digest(of: message.span, way)]) == expected)
        guard length > 0 else { continue }
        let several = [[UInt8]](repeating: message, count: 19).flatMap { $0 }
        let digests = SHA256.digests(ofPartsOf: length, in: several.span, way)
        #expect(digests.allSatisfy { Self.hex([$0]) == expected } && digests.count == 19)
      }
    }
  }

  @Test("NIST's chain of 100,000 messages", arguments: SHA256.Way.available)
  func chain(way: SHA256.Way) throws {
    let entries = try Response("SHA256Monte.rsp").entries
    #expect(entries.count == 101)
    var seed = Self.bytes(try #require(entries.first?["Seed"]))
    for entry in entries.dropFirst() {
      var last = [seed, seed, seed]
      for _ in 0..<1000 {
        last = [last[1], last[2], SHA256.digest(of: (last[0] + last[1] + last[2]).span, way)]
      }
      seed = last[2]
      #expect(Self.hex([seed]) == entry["MD"])
    }
  }

  @Test("OpenSSL's digests of messages of many lengths", arguments: SHA256.Way.available)
  func lengths(way: SHA256.Way) throws {
    for message in try Expected.read().lengths {
      let bytes = Expected.text.span.extracting(0..<message.length)
      #expect(Self.hex([SHA256.digest(of: bytes, way)]) == message.digests)
    }
  }

  @Test("OpenSSL's digests of messages that begin anywhere", arguments: SHA256.Way.available)
  func starts(way: SHA256.Way) throws {
    for message in try Expected.read().starts {
      let digests = (0..<64).map { start in
        SHA256.digest(of: Expected.text.span.extracting(start..<start + message.length), way)
      }
      #expect(Self.hex(digests) == message.digests)
    }
  }

  @Test("A message in parts has the digest of the whole", arguments: SHA256.Way.available)
  func parts(way: SHA256.Way) {
    for length in [0, 1, 63, 64, 65, 127, 128, 129, 200, 4_000] {
      let bytes = Expected.text.span.extracting(0..<length)
      let expected = SHA256.digest(of: bytes, way)
      for first in [0, 1, 55, 56, 63, 64, 65, 128, 199] where first <= length {
        for step in [1, 7, 63, 64, 65, 190] {
          var hash = SHA256(way)
          hash.update(bytes.extracting(0..<first))
          for start in stride(from: first, to: length, by: step) {
            hash.update(bytes.extracting(start..<min(start + step, length)))
            _ = hash.finalize()
          }
          #expect(hash.finalize() == expected)
        }
      }
    }
  }

  @Test("Messages at once have the digests that each has alone", arguments: SHA256.Way.available)
  func several(way: SHA256.Way) {
    for size in [1, 3, 55, 56, 63, 64, 65, 119, 120, 128, 300, 1_000] {
      for count in [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 18, 19, 20, 33, 50] {
        let bytes = Expected.text.span.extracting(1..<1 + count * size)
        let digests = SHA256.digests(ofPartsOf: size, in: bytes, way)
        #expect(digests.count == count)
        for (part, digest) in digests.enumerated() {
          #expect(
            digest
              == SHA256.digest(of: bytes.extracting(part * size..<(part + 1) * size)))
        }
      }
    }
  }

  @Test("The quickest way is one that the machine has, and every machine has plain C")
  func ways() {
    #expect(SHA256.Way.available.contains(.best))
    #expect(SHA256.Way.available.contains { $0.description == "plain C" && $0.lanes == 1 })
  }
}
