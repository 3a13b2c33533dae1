// What could not be recovered of a file, for people and for programs. FORMAT.md, appendix A.

import CairnCheckpoints
package import CairnJSON
import CairnSystem
public import CairnTensors

/// Something that a damaged file has lost, or that may have been in it.
public struct SalvageLoss: Hashable, Sendable {
  /// What is lost.
  public enum Kind: String, Sendable, CaseIterable {
    /// A tensor, whole, or in part if ``SalvageLoss/isPartial``.
    case tensor
    /// The metadata.
    case metadata
    /// The model's configuration.
    case configuration
    /// A blob.
    case blob
    /// A part of the file that nothing explains: whatever was there is lost, if anything was.
    case region
    /// Whatever was written behind the place where the file now ends.
    case tail
  }

  /// What is lost.
  public var kind: Kind
  /// The tensor's or blob's name, if any part of the file still tells it.
  public var name: TensorName?
  /// A tensor's number in the order in which the file had them, if it is known.
  public var ordinal: Int?
  /// Whether the tensor was recovered with zeros where it is damaged.
  public var isPartial = false
  /// Where in the file the damage is, as far as that is known: ascending.
  public var fileRanges: [Range<Int>] = []
  /// The tensor's bytes, uncompressed, that are damaged or missing: ascending. Empty if that is not
  /// known.
  package var byteRanges: [Range<Int>] = []
  /// The tensor's elements, row-major, that are damaged or missing: ascending. Empty if that is not known, and
  /// for strings, whose elements have no fixed places.
  public var elementRanges: [Range<Int>] = []
  /// Why, as one clause without a full stop.
  public var reason: String

  init(_ kind: Kind, _ name: TensorName? = nil, reason: String) {
    self.kind = kind
    self.name = name
    self.reason = reason
  }
}

extension SalvageLoss: CustomStringConvertible {
  /// One line: what, why, where.
  public var description: String {
    var line = kind == .region || kind == .tail ? "" : kind.rawValue
    if let name {
      line += " ‘\(name)’"
    } else if let ordinal {
      line += " number \(ordinal)"
    }
    if isPartial { line += ", in part" }
    line += (line.isEmpty ? "" : ": ") + reason
    if let text = Self.text(fileRanges) { line += "; bytes \(text) of the file" }
    if let text = Self.text(elementRanges) {
      line += "; elements \(text)"
    } else if let text = Self.text(byteRanges) {
      line += "; bytes \(text) of the tensor"
    }
    return line
  }

  /// The first ranges, each from its first to its last number.
  private static func text(_ ranges: [Range<Int>]) -> String? {
    let shown = ranges.filter { !$0.isEmpty }.prefix(3).map { range in
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound - 1)"
    }
    guard !shown.isEmpty else { return nil }
    return shown.joined(separator: ", ") + (ranges.count > 3 ? " …" : "")
  }

  /// The loss as JSON: kind, name, ordinal, partial, file, bytes, elements, reason. Ranges are pairs
  /// of the first number and the one behind the last.
  package var json: JSONValue {
    func pairs(_ ranges: [Range<Int>]) -> JSONValue {
      .array(
        ranges.map { [.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))] })
    }
    return [
      "kind": .string(kind.rawValue),
      "name": name.map { .string($0.string) } ?? .null,
      "ordinal": ordinal.map { .integer(Int64($0)) } ?? .null,
      "partial": .bool(isPartial),
      "file": pairs(fileRanges),
      "bytes": pairs(byteRanges),
      "elements": pairs(elementRanges),
      "reason": .string(reason),
    ]
  }
}

extension DType {
  /// The elements that have a bit in the bytes `range` of a tensor; nil for strings.
  func elements(in range: Range<Int>, of shape: Shape) -> Range<Int>? {
    let granule = self.granule
    guard self != .string else { return nil }
    let first = range.lowerBound / granule.bytes
    let last = (range.upperBound - 1) / granule.bytes + 1
    let end = last.multipliedSaturated(by: granule.elements)
    return first * granule.elements..<min(end, shape.elementCount)
  }
}
