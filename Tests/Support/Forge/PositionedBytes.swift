// Bytes without memory behind them.

package import CairnSystem

/// Bytes that lie in memory but do not say so, as those of an open file.
package struct PositionedBytes: ByteSource {
  package var bytes: [UInt8]
  /// From here on reading fails, as if the file had been cut short after it was opened.
  package var failsFromByte = Int.max
  package var count: Int { bytes.count }
  package var path: String? { "positioned" }
  package var memory: ByteRegion? { nil }

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// Traps where more is asked for than there is.
  package func read(at offset: Int, into target: inout MutableSpan<UInt8>) throws(CairnError) {
    guard offset + target.count <= failsFromByte else {
      throw CairnError(.changedWhileReading, "cut short", at: .init(offset: UInt64(offset)))
    }
    let part = bytes[offset..<offset + target.count]
    for place in target.indices { target[place] = part[offset + place] }
  }
}
