// What a format says of its pickles.

import CairnSystem

/// A format whose files have pickles in them: what it makes of names and of identifiers. Its values are what
/// it keeps of its own while a pickle is read.
///
/// The machine knows Python's containers, numbers and texts, and nothing else.
protocol PickleFormat {
  init()

  /// What to do about a pickle that breaks the rules.
  static var damageAdvice: String { get }
  /// What to do about a pickle of a protocol that is not known, or that needs what is not in the file.
  static var protocolAdvice: String { get }
  /// Modules that were others once.
  static var renamedModules: [(old: String, new: String)] { get }

  /// What a "call" of a name with `arguments` gives; nil for a name that the format does not know, or
  /// arguments that it does not take.
  static func value(
    of function: String, _ arguments: [PickleValue], in content: inout PickleContent<Self>
  ) throws(CairnError) -> PickleValue?

  /// Sets the state of an object; false if it is to be kept as what was set on it.
  static func build(
    _ object: PickleValue, _ state: PickleValue, in content: inout PickleContent<Self>
  ) throws(CairnError) -> Bool

  /// What a persistent identifier stands for.
  static func value(
    of identifier: PickleValue, in machine: inout Unpickler<Self>
  ) throws(CairnError) -> PickleValue

  /// The identifier that a line spells.
  static func identifier(
    spelt line: [UInt8], in machine: inout Unpickler<Self>
  ) throws(CairnError) -> PickleValue
}
