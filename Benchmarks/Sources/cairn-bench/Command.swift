// One line of input: a JSON object whose "op" says what to do.

import Cairn
import CairnJSON

struct Command {
  private let fields: JSONValue

  init(line: String) throws(CairnError) {
    do throws(JSONError) {
      fields = try JSONValue(parsing: Array(line.utf8))
    } catch {
      throw CairnError(.invalidArgument, "a command is no JSON", found: line, cause: error)
    }
  }

  func string(_ key: String) throws(CairnError) -> String {
    guard let value = fields[key]?.stringValue else { throw missing(key, "a string") }
    return value
  }

  /// Nil if it is not given.
  func text(_ key: String) -> String? { fields[key]?.stringValue }

  func int(_ key: String) throws(CairnError) -> Int {
    guard let value = fields[key]?.intValue else { throw missing(key, "an integer") }
    return value
  }

  /// False if it is not given.
  func flag(_ key: String) -> Bool { fields[key]?.boolValue ?? false }

  private func missing(_ key: String, _ expected: String) -> CairnError {
    CairnError(
      .invalidArgument, "a command lacks a field", at: .init(name: key), expected: expected)
  }

  private func choice<Value: RawRepresentable<String>>(
    _ key: String, default value: Value
  ) throws(CairnError) -> Value {
    guard let text = fields[key]?.stringValue else { return value }
    guard let choice = Value(rawValue: text) else { throw missing(key, "another value") }
    return choice
  }

  /// All processors unless the command says otherwise.
  private var threads: Threads { fields["threads"]?.intValue.map { Threads($0) } ?? .all }

  /// Digests off and no fsync unless the command asks for them.
  func writeOptions() throws(CairnError) -> WriteOptions {
    var options = WriteOptions()
    options.codec = try choice("codec", default: .auto)
    options.digests = flag("digests")
    options.durability = flag("sync") ? .synchronized : .none
    options.threads = threads
    return options
  }

  func readOptions() throws(CairnError) -> ReadOptions {
    var options = ReadOptions()
    options.access = try choice("access", default: .positioned)
    options.checksTensorsInPlace = !flag("lazy")
    options.threads = threads
    return options
  }
}
