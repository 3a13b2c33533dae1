// What a copy must keep but Keras's configuration has no place for.
//
// It stands under one key, "cairn", beside the outermost model's "class_name". Keras's
// `model_from_json` passes over it; there it means a model without ties, as in Keras itself.
//
//   "cairn": {
//     "version": 1,
//     "shared_layers": [[["outer", "inner", "head"], ["outer", "head"]]],
//     "ties": [[["model", "encoder", "kernel"], ["model", "decoder", "kernel"]]],
//     "trainable": [[["model", "dense", "bias"], false]],
//     "optimizers": [[["model"], [["model", "dense", "kernel"], ["model", "dense", "bias"]]]],
//     "metrics": [[["model", "accuracy"], "Mean"]],
//     "keras_version": "3.0"
//   }
//
// A place is the list of names from the outermost model inwards. The names are not joined by
// slashes, so that they need not be split again. Empty lists are left out, and so is the key itself
// if all are empty.

import CairnJSON
import CairnSystem

/// The part of a model's configuration that Keras's configuration does not have.
struct ModelExtras: Hashable, Sendable {
  static let key = "cairn"
  private static let version = 1

  /// For each layer in several places: those places; the one that is first in the order of weights
  /// comes first.
  var sharedLayers: [[[String]]] = []
  /// For each variable of several layers: the places, in the order of weights.
  var ties: [[[String]]] = []
  /// Variables whose `trainable` flag differs from that of their layer.
  var trainable: [TrainableFlag] = []

  /// Models that have an optimizer, and the weights that each was built for; nil if it is not built
  /// yet.
  var optimizers: [OptimizerNote] = []

  struct OptimizerNote: Hashable, Sendable {
    var model: [String]
    var weights: [[String]]?
  }

  /// The metrics of the models: model and name, and the class.
  var metrics: [MetricPlace] = []

  struct MetricPlace: Hashable, Sendable {
    var place: [String]
    var className: String
  }

  struct TrainableFlag: Hashable, Sendable {
    var place: [String]
    var value: Bool
  }

  /// The version of Keras whose rules the model follows, if they are not the newest.
  var version: KerasVersion?

  init() {}

  /// The JSON, or nil if there is nothing to say.
  var json: JSONValue? {
    guard self != ModelExtras() else { return nil }
    var object: JSONObject = ["version": .integer(Int64(Self.version))]
    if !sharedLayers.isEmpty { object["shared_layers"] = Self.json(sharedLayers) }
    if !ties.isEmpty { object["ties"] = Self.json(ties) }
    if !trainable.isEmpty {
      object["trainable"] = .array(
        trainable.map { .array([Self.json($0.place), .bool($0.value)]) })
    }
    if !optimizers.isEmpty {
      object["optimizers"] = .array(
        optimizers.map { note in
          .array([Self.json(note.model), note.weights.map { .array($0.map(Self.json)) } ?? .null])
        })
    }
    if !metrics.isEmpty {
      object["metrics"] = .array(
        metrics.map { .array([Self.json($0.place), .string($0.className)]) })
    }
    if let version { object["keras_version"] = .string("\(version)") }
    return .object(object)
  }

  private static func json(_ place: [String]) -> JSONValue { .array(place.map { .string($0) }) }
  private static func json(_ groups: [[[String]]]) -> JSONValue {
    .array(groups.map { .array($0.map { json($0) }) })
  }

  /// The extras of a model's configuration; none if there is no such key.
  init(of configuration: JSONValue) throws(CairnError) {
    guard let value = configuration[Self.key], !value.isNull else { return }
    var reader = try ConfigurationReader(value, path: Self.key)
    let version = try reader.integer("version")
    guard version == Self.version else {
      throw reader.unsupported(
        "version", "the configuration was written by a version of Cairn that is newer than this")
    }
    sharedLayers = try Self.groups("shared_layers", &reader)
    ties = try Self.groups("ties", &reader)
    for flag in reader.take("trainable")?.arrayValue ?? [] {
      guard let pair = flag.arrayValue, pair.count == 2, let place = Self.place(pair[0]),
        let value = pair[1].boolValue
      else { throw reader.invalid("trainable", expected: "pairs of a place and true or false") }
      trainable.append(TrainableFlag(place: place, value: value))
    }
    for note in reader.take("optimizers")?.arrayValue ?? [] {
      guard let pair = note.arrayValue, pair.count == 2, let model = Self.place(pair[0], least: 1),
        pair[1].isNull || pair[1].arrayValue != nil
      else { throw reader.invalid("optimizers", expected: "pairs of a model and a list of places") }
      let weights = pair[1].arrayValue?.map { Self.place($0) }
      guard weights?.contains(nil) != true else {
        throw reader.invalid("optimizers", expected: "places: lists of two and more names")
      }
      optimizers.append(OptimizerNote(model: model, weights: weights?.compactMap { $0 }))
    }
    for metric in reader.take("metrics")?.arrayValue ?? [] {
      guard let pair = metric.arrayValue, pair.count == 2, let place = Self.place(pair[0]),
        let className = pair[1].stringValue
      else { throw reader.invalid("metrics", expected: "pairs of a place and a class") }
      metrics.append(MetricPlace(place: place, className: className))
    }
    if let text = try reader.optionalString("keras_version") {
      guard let given = KerasVersion(text) else {
        throw reader.invalid("keras_version", expected: "a version such as 3.15.1")
      }
      self.version = given
    }
    try reader.finish()
  }

  private static func place(_ value: JSONValue, least: Int = 2) -> [String]? {
    guard let elements = value.arrayValue, elements.count >= least else { return nil }
    let names = elements.compactMap(\.stringValue)
    return names.count == elements.count ? names : nil
  }

  private static func groups(
    _ key: String, _ reader: inout ConfigurationReader
  ) throws(CairnError) -> [[[String]]] {
    guard let value = reader.take(key) else { return [] }
    var groups: [[[String]]] = []
    for element in value.arrayValue ?? [.null] {
      let places = (element.arrayValue ?? []).map { place($0) }
      guard places.count >= 2, !places.contains(nil) else {
        throw reader.invalid(key, expected: "lists of two places and more")
      }
      groups.append(places.compactMap { $0 })
    }
    return groups
  }
}
