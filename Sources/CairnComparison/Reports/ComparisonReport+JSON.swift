// A report for a program.

import CairnCheckpoints
package import CairnJSON
import CairnTensors

extension ComparisonReport {
  /// The report as JSON. Every kind of difference is there, empty or not; `total` counts what is
  /// left out of `first` too. Distances that are infinite stand as the text `inf`.
  package var json: JSONValue {
    .object([
      "same": .bool(isSame),
      "tolerance": options.tolerance.map {
        ["absolute": .double($0.absolute), "relative": .double($0.relative)]
      } ?? .null,
      "left_count": .integer(Int64(leftCount)),
      "right_count": .integer(Int64(rightCount)),
      "compared_count": .integer(Int64(comparedCount)),
      "compared_bytes": .integer(Int64(comparedByteCount)),
      "identical_count": .integer(Int64(identicalCount)),
      "tolerated_count": .integer(Int64(toleratedCount)),
      "missing": missing.json { .string($0.string) },
      "extra": extra.json { .string($0.string) },
      "reordered": reordered.json {
        [
          "name": .string($0.name.string), "left": .integer(Int64($0.left)),
          "right": .integer(Int64($0.right)),
        ]
      },
      "retyped": retyped.json {
        [
          "name": .string($0.name.string), "left": .string($0.left.name),
          "right": .string($0.right.name),
        ]
      },
      "reshaped": reshaped.json {
        ["name": .string($0.name.string), "left": $0.left.json, "right": $0.right.json]
      },
      "retied": retied.json {
        [
          "names": .array($0.names.map { .string($0.string) }), "side": .string($0.side.rawValue),
        ]
      },
      "different": different.json(\.json),
      "metadata": metadata.json {
        ["key": .string($0.name.string), "left": json(of: $0.left), "right": json(of: $0.right)]
      },
      "configuration": configuration?.json ?? .null,
      "blobs": blobs.json { ["name": .string($0.name.string), "bytes": $0.bytes.json] },
      "opaque": uncompared.json {
        [
          "path": .string($0.item.pathText), "type": .string($0.item.type),
          "reason": .string($0.item.reason), "side": .string($0.side.rawValue),
        ]
      },
    ])
  }

  private func json(of value: MetadataValue?) -> JSONValue {
    guard let value else { return .null }
    return [
      "type": .string(value.typeName), "value": value.json(number: JSONValue.finiteOrName),
    ]
  }
}

extension TensorDifference {
  /// The difference as JSON.
  package var json: JSONValue {
    .object([
      "name": name.map { .string($0.string) } ?? .null,
      "other_names": .array(otherNames.map { .string($0.string) }),
      "dtype": .string(dtype.name),
      "shape": shape.json,
      "element_count": .integer(Int64(elementCount)),
      "first_index": .integer(Int64(firstIndex)),
      "first_position": .array(firstPosition.map { .integer(Int64($0)) }),
      "first_bits": firstBits.map {
        ["left": .string($0.left), "right": .string($0.right), "xor": .string($0.xor)]
      } ?? .null,
      "differing_elements": .integer(Int64(differingElements)),
      "differing_bytes": differingBytes.map { .integer(Int64($0)) } ?? .null,
      "nan_mismatches": .integer(Int64(nanMismatches)),
      "largest_ulp": largestULP.map { .unsigned($0) } ?? .null,
      "maximum_absolute": maximumAbsolute.map(JSONValue.finiteOrName) ?? .null,
      "maximum_relative": maximumRelative.map(JSONValue.finiteOrName) ?? .null,
    ])
  }
}

extension BytesDifference {
  fileprivate var json: JSONValue {
    [
      "left": left.map { .integer(Int64($0)) } ?? .null,
      "right": right.map { .integer(Int64($0)) } ?? .null,
      "first_difference": firstDifference.map { .integer(Int64($0)) } ?? .null,
    ]
  }
}

extension DifferenceList {
  fileprivate func json(_ element: (Element) -> JSONValue) -> JSONValue {
    ["total": .integer(Int64(total)), "first": .array(elements.map(element))]
  }
}

extension Shape {
  fileprivate var json: JSONValue { .array(dimensions.map { .integer(Int64($0)) }) }
}
