// A container's frames, read as FORMAT.md says and not by the code under test: to cut and damage
// files in chosen places, and to say what must be left of them.

import CairnSystem

struct FrameLayout {
  struct Frame: CustomStringConvertible {
    var type: String
    var offset: Int
    var payload: Range<Int>
    var ordinal: Int
    var chunk: Int
    var description: String { "\(type) of \(ordinal) at \(offset)" }
  }

  /// What a TNSR frame says.
  struct Tensor {
    var ordinal: Int
    var name: String
    var storage: UInt8
    var owner: Int
    var byteCount: Int
  }

  let bytes: [UInt8]
  private(set) var frames: [Frame] = []
  private(set) var tensors: [Tensor] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var offset = 64
    while offset < bytes.count - 128 {
      let payload = offset + 64..<offset + 64 + number(offset + 8, 8)
      let frame = Frame(
        type: String(decoding: bytes[offset..<offset + 4], as: UTF8.self), offset: offset,
        payload: payload, ordinal: number(offset + 24, 4), chunk: number(offset + 28, 4))
      frames.append(frame)
      if frame.type == "TNSR" { tensors.append(tensor(frame)) }
      offset = (payload.upperBound + 63) / 64 * 64
    }
  }

  func number(_ offset: Int, _ width: Int) -> Int {
    (0..<width).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  private func tensor(_ frame: Frame) -> Tensor {
    let start = frame.payload.lowerBound
    let name = start + 40 + 8 * number(start + 4, 1)
    return Tensor(
      ordinal: frame.ordinal,
      name: String(decoding: bytes[name..<frame.payload.upperBound], as: UTF8.self),
      storage: bytes[start + 2], owner: number(start + 12, 4), byteCount: number(start + 16, 8))
  }

  func frames(_ type: String) -> [Frame] { frames.filter { $0.type == type } }

  /// The names of the tensors of which all frames that the tensor needs satisfy `isThere`, and of
  /// their aliases.
  func tensors(where isThere: (Frame) -> Bool) -> Set<String> {
    var there = Set(tensors.map(\.ordinal))
    for frame in frames where frame.isOfTensor && !isThere(frame) { there.remove(frame.ordinal) }
    for tensor in tensors where tensor.storage == 2 && !there.contains(tensor.owner) {
      there.remove(tensor.ordinal)
    }
    return Set(tensors.filter { there.contains($0.ordinal) }.map(\.name))
  }

  /// The name of a blob.
  func blobName(_ frame: Frame) -> String {
    let start = frame.payload.lowerBound + 2
    return String(decoding: bytes[start..<start + number(start - 2, 2)], as: UTF8.self)
  }

  /// The CRC-32 of bytes, bit by bit.
  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
    }
    return ~crc
  }
}

extension FrameLayout.Frame {
  /// Whether a tensor's content lies in it.
  var isOfTensor: Bool { ["TNSR", "RAWD", "BSUM", "CHNK"].contains(type) }
  var isAttachment: Bool { ["META", "CONF", "BLOB"].contains(type) }
}

extension [UInt8] {
  /// With one bit of the byte at `offset` flipped.
  func flipped(at offset: Int) -> [UInt8] {
    var copy = self
    copy[offset] ^= 0x10
    return copy
  }

  /// With the CRC-32 of the frame header at `offset` made right.
  func sealed(headerAt offset: Int) -> [UInt8] {
    var copy = self
    let crc = FrameLayout.checksum(self[offset..<offset + 60])
    for byte in 0..<4 { copy[offset + 60 + byte] = UInt8(truncatingIfNeeded: crc >> (8 * byte)) }
    return copy
  }

  /// With the header at `offset` holding the CRC-32 of its payload, and its own.
  func sealed(frameAt offset: Int) -> [UInt8] {
    var copy = self
    let count = (0..<8).reduce(0) { $0 | Int(self[offset + 8 + $1]) << (8 * $1) }
    let crc = FrameLayout.checksum(self[offset + 64..<offset + 64 + count])
    for byte in 0..<4 { copy[offset + 32 + byte] = UInt8(truncatingIfNeeded: crc >> (8 * byte)) }
    return copy.sealed(headerAt: offset)
  }
}
