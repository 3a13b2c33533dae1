// What a format says of its pickles.

import CairnSystem

/// A format whose files contain pickles. It decides what names and identifiers become. A value of
/// it keeps what the format needs while a pickle is read.
///
/// The unpickler itself knows Python's containers, numbers and texts, and nothing else.
protocol PickleFormat {
  init()

  /// What to do about a pickle that breaks the rules.
  static var damageAdvice: String { get }
  /// What to do about a pickle of an unknown protocol, or one that needs something outside the
  /// file.
  static var protocolAdvice: String { get }
  /// Modules that once had other names.
  static var renamedModules: [(old: String, new: String)] { get }

  /// The result of a "call" of a name with `arguments`; nil for a name that the format does not
  /// know, or arguments that it does not take.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout PickleContent<Self>
  ) throws(CairnError) -> PickleValue?

  /// Sets the state of an object. If the result is false, the state is kept beside the object.
  static func build(
    _ object: PickleValue, _ state: PickleValue, in content: inout PickleContent<Self>
  ) throws(CairnError) -> Bool

  /// The value of a persistent identifier.
  static func value(
    of identifier: PickleValue, in machine: inout Unpickler<Self>
  ) throws(CairnError) -> PickleValue

  /// The identifier that a line of text spells.
  static func identifier(
    spelt line: [UInt8], in machine: inout Unpickler<Self>
  ) throws(CairnError) -> PickleValue
}
