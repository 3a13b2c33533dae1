// The list of a lookup layer, as Keras checks and orders it. Keras `layers/preprocessing/index_lookup.py`,
// `set_vocabulary`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What a lookup layer knows about the places before its list.
struct LookupSpecials: Sendable {
  /// The token that is left out; it has place 0 where places come out.
  var mask: ByteKey?
  /// The token for everything that is not in the list; needed where places are turned back.
  var outside: ByteKey?
  /// How many places there are for what is not in the list.
  var outsideCount: Int
  /// Whether places come out; the mask then has one of them.
  var givesPlaces: Bool
  /// Whether places come in.
  var inverts: Bool
  /// The most places, or nil.
  var most: Int?
  /// Whether vectors always have that many places.
  var pads: Bool

  /// The first place of what is not in the list.
  var outsideStart: Int { mask != nil && givesPlaces ? 1 : 0 }
  /// The first place of the list.
  var start: Int { outsideStart + outsideCount }
}

/// A list of texts, or of whole numbers in decimal notation, and the place of each.
struct Vocabulary: Sendable {
  /// The list as it was given.
  let listed: [ByteKey]
  /// Whether the list begins with the special tokens.
  let hasSpecials: Bool
  /// The list without the special tokens.
  let tokens: ArraySlice<ByteKey>
  /// The place of each token; empty where places come in.
  private let places: [ByteKey: Int32]
  private let specials: LookupSpecials

  /// The number of places.
  var size: Int { specials.start + tokens.count }

  /// A list that is given whole.
  ///
  /// - Throws: `invalidConfiguration` for what Keras refuses: an empty list, a token twice, the
  ///   mask within it, more tokens than the layer may have.
  init(_ listed: [ByteKey], _ specials: LookupSpecials) throws(CairnError) {
    func failure(_ what: String, _ found: ByteKey? = nil) -> CairnError {
      CairnError(
        .invalidConfiguration, "a vocabulary is none that Keras takes: \(what)",
        found: found.map { "‘\($0.text)’" })
    }
    // As in an array of NumPy, which cuts off zeros at the end.
    let listed = listed.map { token in
      guard token.bytes.last == 0 else { return token }
      return ByteKey(Array(token.bytes.prefix(1 + (token.bytes.lastIndex { $0 != 0 } ?? -1))))
    }
    guard !listed.isEmpty else { throw failure("it is empty") }
    self.specials = specials
    self.listed = listed
    // The special tokens are compared one by one: an array of all of them could be very large.
    let (first, start) = (specials.outsideStart, specials.start)
    hasSpecials =
      start <= listed.count
      && listed[..<start].indices.allSatisfy {
        listed[$0] == ($0 < first ? specials.mask : specials.outside)
      }
    tokens = hasSpecials ? listed[start...] : listed[...]
    guard start + tokens.count <= specials.most ?? .max, start + tokens.count <= Int32.max else {
      throw failure("it has more places than max_tokens")
    }
    var places: [ByteKey: Int32] = [:]
    places.reserveCapacity(tokens.count)
    for (index, token) in tokens.enumerated() {
      guard token != specials.mask else { throw failure("the mask is within it", token) }
      guard !specials.inverts || token != specials.outside else {
        throw failure("the token for what is not known is within it", token)
      }
      guard places.updateValue(Int32(start + index), forKey: token) == nil else {
        throw failure("a token is in it twice", token)
      }
    }
    self.places = specials.inverts ? [:] : places
  }

  /// The place of a token of the list.
  func place(of token: [UInt8]) -> Int? { places[ByteKey(token)].map { Int($0) } }

  /// The token at a place of the list.
  func token(at place: Int) -> ByteKey? {
    guard let index = place.subtracting(specials.start), index >= 0, index < tokens.count else {
      return nil
    }
    return tokens[tokens.startIndex + index]
  }

  /// The mask and the tokens for what is outside, then the list: as Keras writes an asset, and
  /// reads it again.
  ///
  /// Nil where there would be more of them than tokens: a few bytes can ask for any number.
  var whole: [ByteKey]? {
    if hasSpecials { return listed }
    let first = Array(repeating: specials.mask, count: specials.outsideStart)
    guard specials.outsideCount <= 1 << 16 else { return nil }
    let second = Array(repeating: specials.outside, count: specials.outsideCount)
    let made = (first + second).compactMap { $0 }
    return made.count == specials.start ? made + tokens : nil
  }

  /// The weight of each place. Weights are given for the whole list; what is outside the list gets
  /// their mean. These are Keras's rules.
  ///
  /// - Throws: `invalidConfiguration` for another number of weights.
  func weights(_ given: [Double], depth: Int) throws(CairnError) -> [Float] {
    guard given.count == listed.count else {
      throw CairnError(
        .invalidConfiguration, "there are not as many weights as tokens in a vocabulary",
        expected: "\(listed.count)", found: "\(given.count)")
    }
    var weights: [Float] = []
    if !hasSpecials {
      let mean = given.reduce(0, +) / Double(given.count)
      weights = [Float](repeating: Float(mean), count: specials.start)
    }
    weights += given.map { Float($0) }
    return weights + [Float](repeating: 0, count: max(0, depth - weights.count))
  }

  /// The lines of an asset, as Python reads and splits them: not only at newlines, and without
  /// empty ones at the end.
  ///
  /// - Throws: `invalidConfiguration` for bytes that are not UTF-8.
  static func lines(of asset: [UInt8]) throws(CairnError) -> [ByteKey] {
    guard let text = String(validating: asset, as: UTF8.self) else {
      throw CairnError(.invalidConfiguration, "a vocabulary is no text in UTF-8")
    }
    var lines: [ByteKey] = []
    var line: [UInt8] = []
    var afterReturn = false
    for scalar in text.unicodeScalars {
      let value = scalar.value
      defer { afterReturn = value == 0x0d }
      if afterReturn, value == 0x0a { continue }
      switch value {
      case 0x0a...0x0d, 0x1c...0x1e, 0x85, 0x2028, 0x2029:
        lines.append(ByteKey(line))
        line.removeAll(keepingCapacity: true)
      default: line += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
    if !line.isEmpty { lines.append(ByteKey(line)) }
    while lines.last?.bytes.isEmpty == true { lines.removeLast() }
    return lines
  }
}
