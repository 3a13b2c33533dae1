// Paths of the system, which are bytes other than NUL, in strings.

/// How a path that is not UTF-8 goes through a `String`, and back.
///
/// To Linux a path is bytes; to Swift a string is Unicode. All of Cairn takes paths as strings. A
/// byte that is not part of valid UTF-8 is spelt in them as a NUL and the scalar of the byte's
/// value, U+0080 to U+00FF. No path can hold a NUL, so no other path is spelt like that, and a path
/// that is UTF-8 is spelt as itself.
package enum SystemPath {
  /// The string for a path of those bytes.
  package static func text(_ bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var scalars = String.UnicodeScalarView()
    var parser = Unicode.UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var position = 0
    while true {
      switch parser.parseScalar(from: &rest) {
      case .valid(let encoded):
        scalars.append(Unicode.UTF8.decode(encoded))
        position += encoded.count
      case .error(let length):
        for byte in bytes[position..<(position + length)] {
          scalars.append("\0")
          scalars.append(Unicode.Scalar(byte))
        }
        position += length
      case .emptyInput: return String(scalars)
      }
    }
  }

  /// The bytes of the path that `text` is the string for; nil if it holds a NUL that spells no byte.
  package static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.contains(0) else { return Array(text.utf8) }
    var bytes: [UInt8] = []
    var scalars = text.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "\0" else {
        bytes.append(contentsOf: UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
        continue
      }
      guard let next = scalars.next(), (0x80...0xFF).contains(next.value) else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: next.value))
    }
    return bytes
  }

  /// The path for a person to read: bytes that are no UTF-8 as `\xE9`.
  package static func shown(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    var shown = String.UnicodeScalarView()
    var scalars = text.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "\0" else {
        shown.append(scalar)
        continue
      }
      let byte = scalars.next()?.value ?? 0
      shown.append(contentsOf: "\\x\(hex(byte, digits: 2).uppercased())".unicodeScalars)
    }
    return String(shown)
  }

  /// The folder and the name of a path, cut at the last byte that is a slash: a combining mark behind
  /// it does not hide it. `.` where there is no slash.
  package static func split(_ path: String) -> (folder: String, name: String) {
    let bytes = Array(path.utf8)
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = String(decoding: bytes[..<slash], as: UTF8.self)
    return (folder.isEmpty ? "/" : folder, String(decoding: bytes[(slash + 1)...], as: UTF8.self))
  }

  /// Whether the path ends with `suffix`, which is ASCII, in whatever case.
  package static func ends(_ path: String, with suffix: String) -> Bool {
    guard path.utf8.count >= suffix.utf8.count else { return false }
    return path.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { left, right in
      left == right || (left | 0x20 == right | 0x20 && (0x61...0x7A).contains(left | 0x20))
    }
  }
}
