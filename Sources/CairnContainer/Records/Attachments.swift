// Configuration and blobs in bytes and back. FORMAT.md, section 14.

import CairnCheckpoints
import CairnJSON
import CairnSystem
import CairnTensors

extension ContainerLimits {
  /// The bytes that the payload of an attachment may have at most.
  func payloadByteCount(of type: AttachmentType) -> Int {
    let format = ContainerLimits.format
    return switch type {
    case .metadata: min(metadataByteCount, format.metadataByteCount)
    case .configuration: min(configurationByteCount, format.configurationByteCount)
    // A blob's name is not counted as its content.
    case .blob: min(blobByteCount, format.blobByteCount) + 2 + TensorName.maximumByteCount
    }
  }
}

/// The payload of a CONF frame.
enum ConfigurationCoding {
  /// Parses a text that lies at `offset`, within what the format and `limits` allow.
  static func parse(
    _ bytes: [UInt8], at offset: Int = 0, limits: ContainerLimits = .format
  ) throws(CairnError) -> ConfigurationText {
    var json = JSONLimits()
    json.maximumBytes = ContainerLimits.format.configurationByteCount
    json.maximumDepth = min(limits.configurationDepth, ContainerLimits.format.configurationDepth)
    return try ConfigurationText(parsing: bytes, at: offset, limits: json)
  }

  /// Checks that a payload that lies at `offset` is in canonical form.
  static func checkCanonical(_ bytes: [UInt8], at offset: Int) throws(CairnError) {
    let canonical = try parse(bytes).canonical().text
    guard canonical == bytes else {
      let same = zip(canonical, bytes).prefix { $0 == $1 }.count
      throw CairnError(
        .invalidConfiguration, "the configuration is not in canonical form",
        at: .init(offset: UInt64(offset + same)))
    }
  }
}

/// The payload of a BLOB frame.
enum BlobCoding {
  static func encode(_ blob: Blob) throws(CairnError) -> [UInt8] {
    guard blob.bytes.count <= ContainerLimits.format.blobByteCount else {
      throw CairnError(
        .limitExceeded, "a blob is larger than the format allows",
        at: .init(name: blob.name.string), expected: "at most 256 MiB",
        found: "\(blob.bytes.count) bytes", advice: "Keep it as a uint8 tensor")
    }
    var fields = ByteBuilder()
    fields.append(UInt16(blob.name.utf8.count))
    fields.append(blob.name.utf8)
    fields.append(blob.bytes)
    return fields.bytes
  }

  /// Reads a payload that lies at `offset`.
  static func decode(
    _ payload: [UInt8], at offset: Int, limits: ContainerLimits = .format
  ) throws(CairnError) -> Blob {
    var cursor = ByteCursor(payload, at: offset, code: .invalidBlob)
    let bytes = try cursor.bytes(Int(try cursor.integer(UInt16.self)))
    let limit = min(limits.blobByteCount, ContainerLimits.format.blobByteCount)
    guard payload.count - cursor.position <= limit else {
      throw CairnError(
        .limitExceeded, "a blob is larger than is allowed",
        at: .init(offset: UInt64(offset)), expected: "at most \(limit) bytes",
        found: "\(payload.count - cursor.position) bytes")
    }
    do throws(CairnError) {
      let name = try TensorName(utf8: bytes)
      return Blob(name: name, bytes: Array(payload[cursor.position...]))
    } catch {
      throw error.located(offset: UInt64(offset + 2))
    }
  }
}
