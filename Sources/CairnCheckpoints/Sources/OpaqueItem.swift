// What a source names and does not read.

import CairnTensors

/// Something that a checkpoint holds and that is not read: an object of a class that is never called,
/// an element type that is not known. It hides nothing else: all the rest of the checkpoint is there.
public struct OpaqueItem: Hashable, Sendable {
  /// Where it stands, spelt as a tensor's name would be: UTF-8, compared by bytes.
  public var path: [UInt8]
  /// Its class or type, as its format calls it: `argparse.Namespace`, `ggml type 99`.
  public var type: String
  /// Why it is not read, as one clause without a full stop.
  public var reason: String

  /// An item at `path`, which is UTF-8; of a path longer than a tensor's name may be the beginning is kept.
  public init(path: [UInt8], type: String, reason: String) {
    var bytes = path
    if bytes.count > TensorName.maximumByteCount {
      bytes = Array(path[..<(TensorName.maximumByteCount - 3)])
      // Not within a character.
      while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
      if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
      bytes += Array("…".utf8)
    }
    self.path = bytes
    self.type = type
    self.reason = reason
  }

  /// The path as text.
  public var pathText: String { String(decoding: path, as: UTF8.self) }
}
