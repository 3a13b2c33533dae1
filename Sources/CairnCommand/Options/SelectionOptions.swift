// Which tensors, under which names, in which types and orders: what `convert` and `edit` have in common.

import ArgumentParser
import CairnCheckpoints
import CairnEditing
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTerminal

struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Keep only tensors with such names. Can be repeated.", valueName: "pattern"),
    transform: { try NamePattern($0) })
  var include: [NamePattern] = []

  @Option(
    name: [.long, .customLong("delete")],
    help: ArgumentHelp("Leave out tensors with such names.", valueName: "pattern"),
    transform: { try NamePattern($0) })
  var exclude: [NamePattern] = []

  @Option(
    help: ArgumentHelp("Leave out metadata with such keys. Can be repeated.", valueName: "pattern"),
    transform: { try NamePattern($0) })
  var excludeMetadata: [NamePattern] = []

  @Option(
    help: ArgumentHelp(
      "Another element type: for the tensors that a pattern matches, or for all of the type's kind.",
      valueName: "[pattern=]dtype"),
    transform: { try CastRule(argument: $0) })
  var cast: [CastRule] = []

  @Option(
    help: ArgumentHelp(
      "Turn the order of dimensions round, or put old dimensions where the axes say.",
      valueName: "pattern[=axes]"),
    transform: { try TransposingRule(argument: $0) })
  var transpose: [TransposingRule] = []

  @Option(
    help: ArgumentHelp(
      "Other names; $1 … are what the pattern captures.", valueName: "pattern=>name"),
    transform: { try RenamingRule(argument: $0) })
  var rename: [RenamingRule] = []

  /// The explanation of patterns in the help.
  static let patternHelp = """
    A pattern matches whole names: * any characters, ? one, [0-9] one of those, \\ the next as it \
    is. re:EXPRESSION is a regular expression, looked for anywhere in the name. A pattern that \
    matches no tensor is an error.
    """

  var isEmpty: Bool {
    include.isEmpty && exclude.isEmpty && excludeMetadata.isEmpty && !transforms
  }

  /// Whether the kept tensors are changed in any way.
  var transforms: Bool { !cast.isEmpty || !transpose.isEmpty || !rename.isEmpty }

  /// Leaves out the tensors that are not wanted.
  func select(_ tensors: inout EditedTensors) throws(CairnError) {
    try tensors.select(including: include, excluding: exclude)
    try tensors.leaveOutMetadata(excludeMetadata)
  }

  /// Casts, transposes, renames.
  func transform(_ tensors: inout EditedTensors, lossy: Bool) throws(CairnError) {
    try tensors.cast(cast, accepting: lossy ? .precision : [])
    try tensors.transpose(transpose)
    try tensors.rename(rename)
  }
}

extension EditedTensors {
  /// Says on standard error which changes follow from others without being asked for by name, and
  /// how many tensors were rounded.
  func complain() {
    for change in changes where change.isConsequence {
      Terminal.complain("note: \(change.description.printable)")
    }
    let rounded = changes.filter(\.isLossy)
    if let first = rounded.first {
      Terminal.complain(
        "lost: precision of \(rounded.count) tensors: \(first.description.printable)"
          + (rounded.count > 1 ? "; …" : ""))
    }
  }
}
