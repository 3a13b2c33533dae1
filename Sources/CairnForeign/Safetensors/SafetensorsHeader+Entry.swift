// One member of a safetensors header: a tensor's entry, or the metadata.

import CairnCheckpoints
import CairnJSON
import CairnSystem
import CairnTensors

extension SafetensorsHeader {
  /// A member of the header that is being read.
  struct Entry {
    /// Its number in the header.
    var member: Int
    var key: String
    var value: JSONValue
    var places: HeaderPlaces

    private func failure(
      _ code: CairnError.Code, _ message: String, at steps: [HeaderPlaces.Step] = [],
      expected: String? = nil, found: String? = nil, advice: String = SafetensorsHeader.advice
    ) -> CairnError {
      CairnError(
        code, message,
        at: SafetensorsHeader.location(
          places.offset([.value(member)] + steps), name: key.isEmpty ? nil : key),
        expected: expected, found: found, advice: advice)
    }

    /// The entry as the key-values of `__metadata__`.
    ///
    /// - Parameter opaque: Gets the pairs whose key metadata cannot have.
    func metadata(_ opaque: inout OpaqueItems) throws(CairnError) -> Metadata {
      // There are no key-values, but the header says so: MLX writes null, others an empty object.
      // Keep which.
      if case .null = value { return FormatNotes.metadata(FormatNotes.safetensors, "null") }
      if case .object(let pairs) = value, pairs.isEmpty {
        return FormatNotes.metadata(FormatNotes.safetensors, "{}")
      }
      guard case .object(let pairs) = value else {
        throw failure(
          .invalidHeader, "the metadata is no object", expected: "keys with texts",
          found: value.kind)
      }
      var found: [(key: TensorName, value: MetadataValue)] = []
      found.reserveCapacity(pairs.count)
      for (position, pair) in pairs.enumerated() {
        guard let name = try? TensorName(pair.key) else {
          try opaque.add(
            Array(pair.key.utf8), "metadata",
            "its key is empty, too long or holds a control character")
          continue
        }
        guard case .string(let text) = pair.value else {
          throw failure(
            .invalidHeader, "the metadata ‘\(name)’ is no text", at: [.value(position)],
            expected: "a text", found: pair.value.kind)
        }
        found.append((name, .string(text)))
      }
      // All at once: adding the keys one by one would take quadratic time if they are in descending
      // order.
      return Metadata(found)
    }

    /// A tensor of the header.
    enum Found {
      case item(Item)
      /// A tensor that is valid as far as can be seen, but is not read: its range, type and the
      /// reason.
      case unread(Range<Int>, type: String, reason: String)

      var range: Range<Int> {
        switch self {
        case .item(let item): item.range
        case .unread(let range, _, _): range
        }
      }
    }

    /// The entry as a tensor's.
    func tensor() throws(CairnError) -> Found {
      guard case .object(let fields) = value else {
        throw failure(
          .invalidHeader, "the entry is no object", expected: "dtype, shape and data_offsets",
          found: value.kind)
      }
      var spelling: (text: String, field: Int)?
      var dimensions: (values: [Int], field: Int)?
      var offsets: (values: [Int], field: Int)?
      for (position, field) in fields.enumerated() {
        switch field.key {
        case "dtype": spelling = (try text(field.value, field: position), position)
        case "shape": dimensions = (try integers(field.value, field: position), position)
        case "data_offsets": offsets = (try integers(field.value, field: position), position)
        default:
          throw failure(
            .invalidHeader, "the entry has an unknown key", at: [.key(position)],
            expected: "dtype, shape and data_offsets", found: field.key.excerpt)
        }
      }
      guard let spelling, let dimensions, let offsets else {
        let missing = spelling == nil ? "dtype" : dimensions == nil ? "shape" : "data_offsets"
        throw failure(.invalidHeader, "the entry has no \(missing)")
      }
      guard let dtype = SafetensorsDType.dtype(named: spelling.text) else {
        // A newer version of the format may have the type. How many bytes it takes is not known.
        return .unread(
          try ordered(offsets.values, field: offsets.field), type: spelling.text,
          reason: "the element type is not known")
      }
      let shape = try shape(dimensions.values, field: dimensions.field)
      let range = try range(
        offsets.values, field: offsets.field, dtype: dtype, dimensions: dimensions)
      do throws(CairnError) {
        return .item(Item(name: try TensorName(key), dtype: dtype, shape: shape, range: range))
      } catch {
        return .unread(range, type: spelling.text, reason: error.message)
      }
    }

    private func text(_ value: JSONValue, field: Int) throws(CairnError) -> String {
      guard case .string(let spelling) = value else {
        throw failure(
          .invalidHeader, "the dtype is no text", at: [.value(field)], expected: "a text",
          found: value.kind)
      }
      return spelling
    }

    /// An array of integers that are not negative.
    private func integers(_ value: JSONValue, field: Int) throws(CairnError) -> [Int] {
      guard case .array(let elements) = value else {
        throw failure(
          .invalidHeader, "a list of integers is something else", at: [.value(field)],
          expected: "an array", found: value.kind)
      }
      var integers: [Int] = []
      integers.reserveCapacity(elements.count)
      for (position, element) in elements.enumerated() {
        guard let integer = element.intValue, integer >= 0 else {
          throw failure(
            .invalidHeader, "a number is out of place", at: [.value(field), .value(position)],
            expected: "an integer from 0 up to 2^63 - 1",
            found: element.doubleValue == nil ? element.kind : element.description)
        }
        integers.append(integer)
      }
      return integers
    }

    private func shape(_ dimensions: [Int], field: Int) throws(CairnError) -> Shape {
      do throws(CairnError) {
        return try Shape(dimensions)
      } catch {
        let axis = error.location.index.map { [HeaderPlaces.Step.value($0)] } ?? []
        throw error.located(
          offset: SafetensorsHeader.location(
            places.offset([.value(member), .value(field)] + axis)
          ).offset, name: key)
      }
    }

    /// The data offsets as a range.
    private func ordered(_ offsets: [Int], field: Int) throws(CairnError) -> Range<Int> {
      guard offsets.count == 2 else {
        throw failure(
          .invalidHeader, "the data offsets are not two", at: [.value(field)],
          expected: "[begin, end]", found: "\(offsets.count) numbers")
      }
      guard offsets[0] <= offsets[1] else {
        throw failure(
          .invalidHeader, "the tensor ends before it begins", at: [.value(field)],
          found: "[\(offsets[0]), \(offsets[1])]")
      }
      return offsets[0]..<offsets[1]
    }

    private func range(
      _ offsets: [Int], field: Int, dtype: DType, dimensions: (values: [Int], field: Int)
    ) throws(CairnError) -> Range<Int> {
      let range = try ordered(offsets, field: field)
      switch SafetensorsDType.size(of: dtype, dimensions: dimensions.values) {
      case .bytes(let count):
        guard range.count == count else {
          throw failure(
            .sizeMismatch, "the data offsets do not fit the type and shape", at: [.value(field)],
            expected: "\(count) bytes", found: "\(range.count)")
        }
      case .partialByte:
        throw failure(
          .invalidShape, "the \(dtype) elements do not fill whole bytes",
          at: [.value(dimensions.field)])
      case .overflow:
        throw failure(
          .invalidShape, "the shape has more bytes than can be counted",
          at: [.value(dimensions.field)])
      }
      return range
    }
  }
}

extension JSONValue {
  /// What the value is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .integer, .unsigned, .double: "a number"
    case .string: "a text"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
