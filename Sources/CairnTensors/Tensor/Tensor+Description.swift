// Tensors as text: exactly as NumPy's `str()` prints arrays under its default options.

import CairnSystem

extension Tensor: CustomStringConvertible {
  /// The elements as NumPy 2.4 prints an array: columns aligned, floats by the fewest digits that
  /// name them but at most eight after the point, one choice between positional and exponent form
  /// for all, lines of at most 75 characters, and only the corners of what has over 1,000 elements.
  ///
  /// Strings are printed as Python prints `bytes`; 4-bit integers as integers; bfloat16 and the
  /// float8, float6 and float4 kinds by their values, as float32; quantised blocks only by their
  /// number and size.
  ///
  /// - Complexity: O(elements that are printed); for strings, O(elements).
  public var description: String {
    if case .quantized(let block) = dtype {
      return "<\(byteCount / Int(block.byteCount)) blocks of \(block.byteCount) bytes>"
    }
    guard elementCount > 0 else { return "[]" }
    do throws(CairnError) {
      if rank == 0 { return try texts(of: [0], as: .scalar).joined() }
      let layout = ArrayText(shape)
      return layout.text(try texts(of: layout.indices, as: .array))
    } catch {
      // No memory for a few elements, or strings whose ends do not ascend.
      return "<not printable: \(error)>"
    }
  }

  private enum Form { case scalar, array }

  /// The texts of the elements with those row-major indices.
  private func texts(of indices: [Int], as form: Form) throws(CairnError) -> [String] {
    switch dtype {
    case .string:
      let strings = try byteStrings()
      return indices.map { Self.text(ofBytes: strings[$0]) }
    case .bool:
      let values: [Bool] = try gathered(indices).scalars()
      return values.map { $0 ? (form == .array ? " True" : "True") : "False" }
    case .uint64:
      let values: [UInt64] = try gathered(indices).scalars()
      return Self.aligned(values.map(String.init))
    case .complex64, .complex128:
      return Self.texts(ofComplex: try complexParts(indices), complexWidth, form)
    default:
      if dtype.isInteger {
        let values: [Int64] = try gathered(indices).cast(to: .int64).scalars()
        return Self.aligned(values.map(String.init))
      }
      let (numbers, width) = try floats(indices)
      if form == .scalar { return numbers.map { $0.scalarText(width) } }
      let column = FloatColumn(numbers, width: width)
      return numbers.map(column.text)
    }
  }

  /// The elements with those row-major indices, as a tensor of one dimension.
  private func gathered(_ indices: [Int]) throws(CairnError) -> Tensor {
    guard let bitWidth = dtype.bitWidth else { return self }
    let count = (indices.count * bitWidth + 7) / 8
    return try Tensor(dtype: dtype, shape: .vector(indices.count), byteCount: count) { target in
      for index in target.indices { target[index] = 0 }
      withBytes { source in
        for (position, index) in indices.enumerated() {
          if bitWidth < 8 {
            let element = PackedBits.element(index, bitWidth: bitWidth, of: source)
            PackedBits.insert(element, at: position, bitWidth: bitWidth, into: &target)
          } else {
            let size = bitWidth / 8
            for byte in 0..<size { target[position * size + byte] = source[index * size + byte] }
          }
        }
      }
    }
  }

  private static func aligned(_ texts: [String]) -> [String] {
    let width = texts.map(\.utf8.count).max() ?? 0
    return texts.map { String(repeating: " ", count: width - $0.utf8.count) + $0 }
  }

  // MARK: - Floats

  private func floats(
    _ indices: [Int]
  ) throws(CairnError) -> ([PrintedFloat], PrintedFloat.Width) {
    let elements = try gathered(indices)
    switch dtype {
    case .float64:
      let values: [Double] = try elements.scalars()
      return (values.map { PrintedFloat($0) }, .double)
    case .float16:
      let values: [Float] = try elements.cast(to: .float32).scalars()
      return (values.map { PrintedFloat(half: $0) }, .half)
    default:
      let values: [Float] = try elements.cast(to: .float32).scalars()
      return (values.map { PrintedFloat($0) }, .single)
    }
  }

  // MARK: - Complex numbers

  private typealias Complex = (real: PrintedFloat, imaginary: PrintedFloat)

  private var complexWidth: PrintedFloat.Width { dtype == .complex64 ? .single : .double }

  private func complexParts(_ indices: [Int]) throws(CairnError) -> [Complex] {
    // The same bytes are twice as many floats.
    let part: DType = dtype == .complex64 ? .float32 : .float64
    let elements = try gathered(indices)
    let parts = Tensor(dtype: part, shape: .vector(2 * indices.count), region: elements.region)
    let numbers = try parts.floats(Array(0..<2 * indices.count)).0
    return indices.indices.map { (numbers[2 * $0], numbers[2 * $0 + 1]) }
  }

  private static func texts(
    ofComplex numbers: [Complex], _ width: PrintedFloat.Width, _ form: Form
  ) -> [String] {
    if form == .scalar { return numbers.map { text(ofComplex: $0, width) } }
    let reals = FloatColumn(numbers.map(\.real), width: width)
    let imaginaries = FloatColumn(numbers.map(\.imaginary), width: width, alwaysSigned: true)
    return numbers.map { number in
      // The j follows the last digit; the padding for the column follows the j.
      let imaginary = imaginaries.text(number.imaginary)
      let digits = imaginary.utf8.reversed().drop { $0 == UInt8(ascii: " ") }.count
      return reals.text(number.real) + imaginary.prefix(digits) + "j" + imaginary.dropFirst(digits)
    }
  }

  private static func text(ofComplex number: Complex, _ width: PrintedFloat.Width) -> String {
    if number.real.value == 0, number.real.value.sign == .plus {
      return number.imaginary.scalarText(width, trimsPoint: true) + "j"
    }
    return "(" + number.real.scalarText(width, trimsPoint: true)
      + number.imaginary.scalarText(width, alwaysSigned: true, trimsPoint: true) + "j)"
  }

  // MARK: - Strings

  /// As Python prints a `bytes`: `b'text'`, with double quotes if that saves escapes.
  private static func text(ofBytes bytes: [UInt8]) -> String {
    let quote: UInt8 =
      bytes.contains(UInt8(ascii: "'")) && !bytes.contains(UInt8(ascii: "\""))
      ? UInt8(ascii: "\"") : UInt8(ascii: "'")
    var text: [UInt8] = [UInt8(ascii: "b"), quote]
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\\"), quote: text += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\t"): text += Array("\\t".utf8)
      case UInt8(ascii: "\n"): text += Array("\\n".utf8)
      case UInt8(ascii: "\r"): text += Array("\\r".utf8)
      case 0x20..<0x7F: text.append(byte)
      default: text += Array(("\\x" + hex(byte, digits: 2)).utf8)
      }
    }
    text.append(quote)
    return String(decoding: text, as: UTF8.self)
  }
}

extension Tensor: CustomDebugStringConvertible {
  /// Shape, element type, and on the next line the elements as ``description`` gives them.
  public var debugDescription: String {
    "Tensor(shape: \(shape), dtype: \(dtype))\n\(description)"
  }
}
