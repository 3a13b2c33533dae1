// The names of members: how they are spelt, and which are refused.

import CairnCheckpoints
import CairnSystem

/// The rules for names.
package enum ZipName {
  /// The characters of IBM's code page 437 from 0x80 on. Names are in that code page unless they
  /// say otherwise (APPNOTE.TXT, appendix D).
  private static let codePage437 = Array(
    """
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌\
    █▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}
    """.unicodeScalars)

  /// The name that `bytes` spell.
  ///
  /// - Throws: `invalidArchive` for an empty name, a NUL, or bytes that are marked as UTF-8 and are
  ///   not; `invalidPath` for a name that would lead out of the folder when the archive is
  ///   unpacked, unless any name is allowed.
  static func decode(
    _ bytes: [UInt8], isUTF8: Bool, allowsAny: Bool = false, at place: CairnError.Location
  ) throws(CairnError) -> String {
    let name: String
    if isUTF8 {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CairnError(
          .invalidArchive, "a member's name is not valid UTF-8", at: place,
          advice: ZipArchive.advice)
      }
      name = text
    } else {
      var scalars = String.UnicodeScalarView()
      for byte in bytes {
        scalars.append(byte < 0x80 ? Unicode.Scalar(byte) : codePage437[Int(byte) - 0x80])
      }
      name = String(scalars)
    }
    guard !name.isEmpty, !bytes.contains(0) else {
      throw CairnError(
        .invalidArchive, "a member's name is empty or holds a NUL", at: place,
        advice: ZipArchive.advice)
    }
    guard allowsAny || staysInside(name) else {
      throw CairnError(
        .invalidPath, "a member's name leads out of the archive's folder", at: place,
        expected: "a relative path without ‘..’", found: name.excerpt, advice: ZipArchive.advice)
    }
    return name
  }

  /// Whether a name, of a file or a folder, stays below the folder that the archive is unpacked
  /// into.
  package static func staysInside(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return (try? InnerPath(bytes.last == UInt8(ascii: "/") ? Array(bytes.dropLast()) : bytes))
      != nil
  }
}
