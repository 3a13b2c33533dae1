// The lowest level: the bytes of two files.

import CairnContainer
package import CairnJSON
public import CairnSystem
import CairnTensors

/// How the bytes of two files differ.
public struct FileDifference: Hashable, Sendable {
  /// The first byte that differs, or the length of the shorter file.
  public var firstOffset: Int
  /// Bytes that differ, of those that both have.
  public var differingByteCount: Int
  /// Bytes of the two files.
  public var byteCounts: (left: Int, right: Int) { (leftByteCount, rightByteCount) }
  private var leftByteCount: Int
  private var rightByteCount: Int
  /// What lies at the first difference, where the file is a container.
  public var leftPlace: String?
  /// What lies at the first difference, where the file is a container.
  public var rightPlace: String?

  init(firstOffset: Int, differingByteCount: Int, left: Int, right: Int) {
    self.firstOffset = firstOffset
    self.differingByteCount = differingByteCount
    self.leftByteCount = left
    self.rightByteCount = right
  }

  /// A line or three.
  public var text: String {
    var lines = ["bytes differ from offset \(firstOffset) on"]
    if leftByteCount != rightByteCount {
      lines[0] += ", lengths \(leftByteCount) and \(rightByteCount)"
    }
    lines[0] += ": \(differingByteCount) of \(min(leftByteCount, rightByteCount)) bytes"
    if let leftPlace { lines.append("  left:  \(leftPlace)") }
    if let rightPlace { lines.append("  right: \(rightPlace)") }
    return lines.joined(separator: "\n")
  }

  /// The same as JSON.
  package var json: JSONValue {
    [
      "firstOffset": .integer(Int64(firstOffset)),
      "differingBytes": .integer(Int64(differingByteCount)),
      "leftBytes": .integer(Int64(leftByteCount)), "rightBytes": .integer(Int64(rightByteCount)),
      "leftPlace": leftPlace.map { .string($0) } ?? .null,
      "rightPlace": rightPlace.map { .string($0) } ?? .null,
    ]
  }
}

/// Compares two files, or any bytes, byte by byte; nil if they are the same.
///
/// Where a side is a Cairn container, what lies at the first difference is named.
///
/// - Throws: what reading the bytes throws. A side that is no container, or a damaged one, is
///   compared all the same, without a name for the place.
/// - Complexity: O(bytes), in windows of 1 MiB.
public func compareBytes(
  _ left: any ByteSource, _ right: any ByteSource,
  progress: ProgressHandler = { _ in }
) throws(CairnError) -> FileDifference? {
  let shared = min(left.count, right.count)
  var first: Int?
  var differing = 0
  var start = 0
  while start < shared {
    let part = start..<min(start + (1 << 20), shared)
    try left.withBytes(in: part) { (a) throws(CairnError) in
      try right.withBytes(in: part) { (b) throws(CairnError) in
        guard !a.isEqual(to: b) else { return }
        for index in a.indices where a[index] != b[index] {
          differing += 1
          if first == nil { first = part.lowerBound + index }
        }
      }
    }
    start = part.upperBound
    try WorkProgress.report(start, of: shared, to: progress)
  }
  if first == nil, left.count != right.count { first = shared }
  guard let first else { return nil }
  var difference = FileDifference(
    firstOffset: first, differingByteCount: differing, left: left.count, right: right.count)
  difference.leftPlace = try place(of: first, in: left)
  difference.rightPlace = try place(of: first, in: right)
  return difference
}

/// What lies at a byte, if the bytes are a container that can be opened.
private func place(of offset: Int, in source: any ByteSource) throws(CairnError) -> String? {
  guard offset < source.count else { return nil }
  do throws(CairnError) {
    return try Container(source).place(of: offset)
  } catch {
    // What the file says may be wrong; that it could not be read is another matter.
    let failures: Set<CairnError.Code> = [.inputOutput, .changedWhileReading, .outOfMemory]
    if error.cause is SystemError || failures.contains(error.code) { throw error }
    return nil
  }
}
