// Edits as they are written on the command line.

import CairnCheckpoints
import CairnEditing
import CairnSystem
import CairnTensors

extension RenamingRule {
  /// The rule that `pattern=>replacement` spells.
  ///
  /// - Throws: `invalidArgument`.
  init(argument text: String) throws(CairnError) {
    guard let (pattern, replacement) = text.arrowParts else {
      throw CairnError(
        .invalidArgument, "a new name is not spelt as one", expected: "‘pattern=>replacement’",
        found: text.excerpt)
    }
    try self.init(NamePattern(pattern), to: replacement)
  }
}

extension CastRule {
  /// The rule that `pattern=dtype` or `dtype` spells.
  ///
  /// - Throws: `invalidArgument`.
  init(argument text: String) throws(CairnError) {
    let sign = text.lastIndex(of: "=")
    let name = sign.map { String(text[text.index(after: $0)...]) } ?? text
    guard let dtype = DType(name: name), dtype != .string else {
      throw CairnError(
        .invalidArgument, "a cast names no element type of numbers",
        expected: DType.allPlain.filter { $0 != .string }.map(\.name).joined(separator: ", "),
        found: name.excerpt)
    }
    let pattern = try sign.map { (sign) throws(CairnError) in
      try NamePattern(String(text[..<sign]))
    }
    self.init(pattern, to: dtype)
  }
}

extension TransposingRule {
  /// The rule that `pattern` or `pattern=2,3,1,0` spells.
  ///
  /// - Throws: `invalidArgument`.
  init(argument text: String) throws(CairnError) {
    guard let sign = text.lastIndex(of: "="),
      text[text.index(after: sign)...].allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ",") })
    else {
      self.init(try NamePattern(text))
      return
    }
    let axes = text[text.index(after: sign)...].split(
      separator: ",", omittingEmptySubsequences: false)
    let pattern = try NamePattern(String(text[..<sign]))
    // A text that is not a number becomes -1, which is not a dimension.
    do throws(CairnError) { try self.init(pattern, axes: axes.map { Int($0) ?? -1 }) } catch {
      var told = error
      told.found = text.excerpt
      throw told
    }
  }
}

extension String {
  /// The parts on the left and right of the only `=>` in the text.
  var arrowParts: (String, String)? {
    // By bytes: a combining mark behind the arrow belongs to the name, not to the arrow.
    let bytes = Array(utf8)
    let places = bytes.indices.dropLast().filter { bytes[$0] == 0x3D && bytes[$0 + 1] == 0x3E }
    guard places.count == 1, let place = places.first else { return nil }
    return (
      String(decoding: bytes[..<place], as: UTF8.self),
      String(decoding: bytes[(place + 2)...], as: UTF8.self)
    )
  }
}
