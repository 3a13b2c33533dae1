// A reader's policy, at, below and above what a file has. FORMAT.md, section 16.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import Testing

@testable import CairnContainer

/// A limit, and how much of the limited the sample checkpoint has.
struct LimitCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var limit: any WritableKeyPath<ContainerLimits, Int> & Sendable
  var actual: Int

  /// Counted from what `sampleCheckpoint` puts in and FORMAT.md's sizes, not from a file.
  static let all = [
    LimitCase("tensors", \.tensorCount, 6),
    LimitCase("blocks", \.blockCount, 4),
    // 6 entries, 4 blocks, 8 dimensions, and the bytes of six names.
    LimitCase("index", \.indexByteCount, 6 * 128 + 4 * 32 + 8 * 8 + 45),
    // Three pairs: an i64, an array of two f64, a string of two bytes.
    LimitCase("metadata", \.metadataByteCount, 4 + (8 + 8) + (8 + 4 + 16) + (6 + 4 + 2)),
    LimitCase("configuration", \.configurationByteCount, 50),
    LimitCase("blob", \.blobByteCount, 3),
    LimitCase("attachments", \.attachmentCount, 3),
    LimitCase("note", \.noteByteCount, ContainerWriter.generator.utf8.count),
    LimitCase("depth", \.configurationDepth, 3),
  ]

  private init(
    _ name: String, _ limit: any WritableKeyPath<ContainerLimits, Int> & Sendable, _ actual: Int
  ) {
    testDescription = name
    self.limit = limit
    self.actual = actual
  }
}

@Suite struct LimitTests {
  private func code(
    of limit: LimitCase, lowered by: Int
  ) throws -> CairnError.Code? {
    let bytes = try Container.encode(sampleCheckpoint())
    var options = ReadOptions()
    options.limits[keyPath: limit.limit] = limit.actual - by
    do throws(CairnError) {
      let container = try Container(bytes, options: options)
      _ = try container.blobs
      _ = try container.verify()
      return nil
    } catch {
      return error.code
    }
  }

  @Test(arguments: LimitCase.all)
  func `A file at a limit or below it is read`(limit: LimitCase) throws {
    #expect(try code(of: limit, lowered: 0) == nil)
    #expect(try code(of: limit, lowered: -1) == nil)
  }

  @Test(arguments: LimitCase.all)
  func `A file above a limit is refused`(limit: LimitCase) throws {
    let expected: CairnError.Code =
      limit.limit == \.configurationDepth ? .invalidConfiguration : .limitExceeded
    #expect(try code(of: limit, lowered: 1) == expected)
  }

  @Test func `A policy cannot raise a limit of the format`() throws {
    var options = ReadOptions()
    options.limits.attachmentCount = .max
    options.limits.blockCount = .max
    options.limits.indexByteCount = .max
    options.limits.configurationByteCount = .max
    options.limits.blobByteCount = .max
    options.limits.metadataByteCount = .max
    options.limits.noteByteCount = .max
    options.limits.tensorCount = .max
    let container = try Container(Container.encode(sampleCheckpoint()), options: options)
    #expect(throws: Never.self) { try container.verify(.deep) }
    for type in AttachmentType.allCases {
      let limit = ContainerLimits.format.payloadByteCount(of: type)
      #expect(options.limits.payloadByteCount(of: type) == limit)
    }
  }
}
