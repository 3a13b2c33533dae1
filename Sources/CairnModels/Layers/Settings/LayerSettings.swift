// How a layer is made in code: from its settings, like a layer of a configuration, so that both are
// checked by the same rules and written in the same way.

import CairnJSON
import CairnSystem
import CairnTensors

/// A value of a layer's setting, as Keras's configurations have it.
protocol SettingValue {
  var json: JSONValue { get }
}

extension SettingValue where Self: RawRepresentable, RawValue == String {
  var json: JSONValue { .string(rawValue) }
}

extension Bool: SettingValue {
  var json: JSONValue { .bool(self) }
}
extension Int: SettingValue {
  var json: JSONValue { .integer(Int64(self)) }
}
extension UInt32: SettingValue {
  var json: JSONValue { .integer(Int64(self)) }
}
extension Double: SettingValue {
  var json: JSONValue { .double(self) }
}
extension String: SettingValue {
  var json: JSONValue { .string(self) }
}
extension Array: SettingValue where Element: SettingValue {
  var json: JSONValue { .array(map(\.json)) }
}
extension JSONValue: SettingValue {
  var json: JSONValue { self }
}
extension ActivationFunction: SettingValue {}
extension DataFormat: SettingValue {}
extension Extents: SettingValue {}
extension Initializer: SettingValue {}
extension Interpolation: SettingValue {}
extension Padding: SettingValue {}

/// The settings of a layer that is made in code, by Keras's names; nil is Keras's `None`.
struct LayerSettings: ExpressibleByDictionaryLiteral {
  private var object = JSONObject()

  init(dictionaryLiteral elements: (String, (any SettingValue)?)...) {
    for (key, value) in elements { object[key] = value?.json ?? .null }
  }

  subscript(key: String) -> (any SettingValue)? {
    get { object[key] }
    set { object[key] = newValue?.json ?? .null }
  }

  /// A reader of these settings and of those that all layers have. A wrong value is reported as a
  /// wrong argument.
  func reader(
    of className: String, name: String?, trainable: Bool, dtype: DTypePolicy
  ) throws(CairnError) -> ConfigurationReader {
    var object = object
    if let name { object["name"] = .string(name) }
    object["trainable"] = .bool(trainable)
    object["dtype"] = dtype.json
    return try ConfigurationReader(.object(object), path: className, isMade: true)
  }
}

/// A layer that is made from its settings, and may hold others that are made from theirs.
protocol MadeLayer: KerasLayer {
  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError)
}

/// A layer that is made from its settings alone.
protocol ConfiguredLayer: MadeLayer {
  init(reading reader: inout ConfigurationReader) throws(CairnError)
}

/// A layer that is made from its settings and needs a seed.
protocol SeededLayer: MadeLayer {
  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError)
}

extension ConfiguredLayer {
  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) { try self.init(reading: &reader) }
}

extension SeededLayer {
  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) { try self.init(reading: &reader, in: &context.build) }
}

extension MadeLayer {
  /// The layer of those settings; a seed that is not among them is random.
  init(
    making settings: LayerSettings, name: String?, trainable: Bool = true, dtype: DTypePolicy
  ) throws(CairnError) {
    var reader = try settings.reader(
      of: Self.className, name: name, trainable: trainable, dtype: dtype)
    var context = RebuildContext(
      registry: .layers, initialization: .seeded(.random(in: .min ... .max)), limits: .trusted)
    try self.init(reading: &reader, in: &context)
  }
}
