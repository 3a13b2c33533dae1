// A report for a person: one line a difference, in a fixed order, the last line the sum.

import CairnCheckpoints
import CairnJSON
import CairnTensors

extension ComparisonReport {
  /// The report as lines of text, without a line feed at the end. The same report gives the same
  /// text on every machine.
  public var text: String {
    var lines = Lines()
    lines.add("missing", missing, of: "names") { ($0.string, "only on the left") }
    lines.add("extra", extra, of: "names") { ($0.string, "only on the right") }
    lines.add("moved", reordered, of: "names") {
      ($0.name.string, "place \($0.left) on the left, \($0.right) on the right")
    }
    lines.add("retyped", retyped, of: "tensors") { ($0.name.string, "\($0.left) vs \($0.right)") }
    lines.add("reshaped", reshaped, of: "tensors") { ($0.name.string, "\($0.left) vs \($0.right)") }
    lines.add("tied", retied, of: "ties") {
      (
        $0.names.prefix(8).map(\.string).joined(separator: " = ")
          + ($0.names.count > 8 ? " = … (\($0.names.count) names)" : ""),
        "only on the \($0.side.rawValue)"
      )
    }
    lines.add("differs", different, of: "tensors") { ($0.name?.string ?? "", $0.text) }
    lines.add("metadata", metadata, of: "keys") { ($0.name.string, $0.text) }
    if let configuration { lines.add("config", "", configuration.text) }
    lines.add("blob", blobs, of: "blobs") { ($0.name.string, $0.bytes.text) }
    lines.add("not read", uncompared, of: "items") {
      ($0.item.pathText, "\($0.item.type), on the \($0.side.rawValue): \($0.item.reason)")
    }
    return lines.aligned + summary
  }

  /// The last line of ``text``.
  private var summary: String {
    let how = options.tolerance == nil ? "to the bit" : "within the tolerance"
    let tolerated = toleratedCount == 0 ? "" : " (\(toleratedCount) not to the bit)"
    let size =
      "\(comparedCount) \(comparedCount == 1 ? "tensor" : "tensors") compared, "
      + "\(comparedByteCount) bytes"
    let unread =
      switch uncompared.total {
      case 0: ""
      case 1: "; 1 item was not read"
      default: "; \(uncompared.total) items were not read"
      }
    if isSame { return "same \(how)\(tolerated): \(size)\(unread)" }
    return "different: \(size), \(identicalCount + toleratedCount) the same \(how)\(tolerated)"
      + unread
  }
}

extension TensorDifference {
  /// The difference in one line, without the name.
  public var text: String {
    var parts: [String] = []
    var first = "first at [\(firstPosition.map(String.init).joined(separator: ", "))]"
    if let bits = firstBits { first += ": \(bits.left) vs \(bits.right) (xor \(bits.xor))" }
    parts.append(first)
    let unit = if case .quantized = dtype { "blocks" } else { "elements" }
    parts.append("\(differingElements) of \(elementCount) \(unit)")
    if let ulp = largestULP { parts.append("max ULP \(ulp)") }
    if let absolute = maximumAbsolute { parts.append("max abs \(absolute.short)") }
    if let relative = maximumRelative { parts.append("max rel \(relative.short)") }
    if nanMismatches > 0 { parts.append("NaN \(nanMismatches)") }
    if !otherNames.isEmpty {
      parts.append("also " + otherNames.prefix(8).map(\.string).joined(separator: " = "))
    }
    return "\(dtype) \(shape)  " + parts.joined(separator: ", ")
  }
}

extension NamedDifference<MetadataValue?> {
  fileprivate var text: String {
    switch (left, right) {
    case (let left?, nil): "only on the left: \(Self.text(left))"
    case (nil, let right?): "only on the right: \(Self.text(right))"
    case (let left?, let right?): "\(Self.text(left)) vs \(Self.text(right))"
    case (nil, nil): ""
    }
  }

  private static func text(_ value: MetadataValue) -> String {
    // JSON escapes control characters, which a terminal would obey; what is long is cut.
    let json = value.json().description
    return "\(value.typeName) \(json.prefix(48))" + (json.count > 48 ? "…" : "")
  }
}

extension BytesDifference {
  fileprivate var text: String {
    switch (left, right, firstDifference) {
    case (let left?, let right?, let first?):
      left == right
        ? "differs from byte \(first) on, \(Self.bytes(left))"
        : "differs from byte \(first) on, \(left) vs \(Self.bytes(right))"
    case (let left?, _, _): "only on the left, \(Self.bytes(left))"
    case (_, let right?, _): "only on the right, \(Self.bytes(right))"
    default: ""
    }
  }

  private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
}

/// Lines of three columns.
private struct Lines {
  private var rows: [(kind: String, subject: String, detail: String)] = []
  private var widest = 0

  mutating func add<T>(
    _ kind: String, _ listing: DifferenceList<T>, of what: String, _ row: (T) -> (String, String)
  ) {
    for element in listing.elements {
      let (subject, detail) = row(element)
      add(kind, subject, detail)
    }
    if listing.omitted > 0 {
      rows.append((kind, "", "… and \(listing.omitted) more \(what)"))
    }
  }

  mutating func add(_ kind: String, _ subject: String, _ detail: String) {
    rows.append((kind, subject, detail))
    // Beyond 40 columns a name pushes its own line out of step, not all others.
    if subject.count <= 40 { widest = max(widest, subject.count) }
  }

  /// The lines, each with a line feed.
  var aligned: String {
    var text = ""
    for (kind, subject, detail) in rows {
      let isOmission = detail.hasPrefix("…")
      text += kind + String(repeating: " ", count: max(0, 10 - kind.count))
      if !isOmission, widest > 0 || !subject.isEmpty {
        text += subject + String(repeating: " ", count: max(0, widest - subject.count) + 2)
      }
      text += detail + "\n"
    }
    return text
  }
}
