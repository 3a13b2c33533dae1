// `.keras` archives that are not what they should be.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct KerasArchiveTests {
  /// The members of a small whole model.
  private static func members() throws -> [ForgedMember] {
    [
      ForgedMember("metadata.json", Array(#"{"keras_version": "3.15.1"}"#.utf8)),
      ForgedMember("config.json", Array(#"{"class_name": "Sequential"}"#.utf8)),
      ForgedMember("model.weights.h5", try contents(of: "\(fixtures)/hdf5/user_block.h5")),
    ]
  }

  private static func refusal(_ members: [ForgedMember]) throws -> CairnError? {
    do throws(CairnError) {
      let file = try KerasFile(MemoryBytes(ZipForge(members: members).bytes))
      _ = try NamedTensors(reading: file)
      return nil
    } catch {
      return error
    }
  }

  @Test func `A whole archive is read, with its assets`() throws {
    let members = try Self.members() + [ForgedMember("assets/words.txt", Array("a\nb".utf8))]
    let file = try KerasFile(MemoryBytes(ZipForge(members: members).bytes))
    #expect(file.formatVersion == "3.15.1")
    #expect(file.configuration == Array(#"{"class_name":"Sequential"}"#.utf8))
    #expect(try file.tensor(at: 0).scalars() as [Int64] == [0, 1, 2, 3, 4])
    #expect(try file.blobs == [Blob(name: "assets/words.txt", bytes: Array("a\nb".utf8))])
  }

  @Test(arguments: ["../evil.py", "/etc/cron.d/x", "assets/../../x", "a\\..\\b"])
  func `An asset that would lie outside the folder is refused`(name: String) throws {
    let error = try Self.refusal(Self.members() + [ForgedMember(name, [1])])
    #expect(error?.code == .invalidPath)
  }

  @Test(arguments: 0..<3)
  func `A member twice is refused, whichever a reader would take`(index: Int) throws {
    let members = try Self.members()
    #expect(try Self.refusal(members + [members[index]])?.code == .duplicateName)
  }

  @Test(arguments: [1, 2])
  func `An archive without its parts is refused by what is missing`(index: Int) throws {
    var members = try Self.members()
    let name = members.remove(at: index).name
    let error = try #require(try Self.refusal(members))
    #expect(error.code == .missingFile && error.description.contains(name))
  }

  @Test(arguments: ["", "{", "{\"a\": 1, \"a\": 2}", String(repeating: "[", count: 100_000)])
  func `A configuration that is no JSON is refused`(text: String) throws {
    var members = try Self.members()
    members[1].data = Array(text.utf8)
    #expect(try Self.refusal(members)?.code == .invalidConfiguration)
  }

  @Test func `A changed byte of the weights is found by the archive`() throws {
    var members = try Self.members()
    members[2].crc = 0
    members[2].localCRC = 0
    #expect(try Self.refusal(members)?.code == .checksumMismatch)
  }
}
