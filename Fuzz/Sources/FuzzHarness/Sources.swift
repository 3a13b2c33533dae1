// The ways in to a file's bytes.

internal import CFuzzing
public import Cairn

/// Bytes that are reached by reading only, as those of an open file are.
public struct PositionedBytes: ByteSource {
  private let bytes: [UInt8]

  /// A source of `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The number of bytes.
  public var count: Int { bytes.count }
  /// None.
  public var path: String? { nil }
  /// None: that is the point.
  public var memory: ByteRegion? { nil }

  /// Fills `target` from `offset` on.
  public func read(at offset: Int, into target: inout MutableSpan<UInt8>) throws(CairnError) {
    guard offset >= 0, target.count <= bytes.count, offset <= bytes.count - target.count else {
      fail("\(target.count) bytes at \(offset) were asked of a file of \(bytes.count)")
    }
    for place in target.indices { target[place] = bytes[offset + place] }
  }
}

/// `bytes` as a source of one of the kinds that readers know, chosen by their sum: in memory that may
/// be written, read from a file, mapped from a file, or from a caller's own source.
public func source(_ bytes: [UInt8]) throws(CairnError) -> any ByteSource {
  switch bytes.reduce(UInt8(0), ^) & 7 {
  case 0: try file(bytes, .positioned)
  case 1, 2: try file(bytes, .mapped)
  case 3, 4: PositionedBytes(bytes)
  default: try MemoryBytes(bytes)
  }
}

private func file(
  _ bytes: [UInt8], _ access: FileBytes.Access
) throws(CairnError) -> FileBytes {
  let path = unsafe bytes.withUnsafeBufferPointer {
    unsafe String(cString: cairn_file($0.baseAddress, $0.count))
  }
  return try FileBytes(path: path, access: access)
}
