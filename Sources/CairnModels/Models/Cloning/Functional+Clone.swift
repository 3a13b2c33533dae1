// The clone of a graph: the same calls, of other layers.

import CairnSystem
import CairnTensors

extension Functional {
  /// The graph drawn anew, with the clones that `session` makes of the layers.
  func redrawnGraph(
    in session: CloneSession, from inputs: [SymbolicTensor]?
  ) throws(CairnError) -> Functional {
    var starts: [SymbolicTensor] = inputs ?? []
    if inputs == nil {
      for input in graph.inputs {
        let layer = try Self.clonedInput(
          like: input.node.layer as? InputLayer, replacedBy: nil)
        if let layer { starts.append(layer.symbolicOutput) }
      }
    }
    guard starts.count == graph.inputs.count else {
      throw wrongInputs(expected: graph.inputs.count, found: starts.count)
    }
    let ends = try graph.run(starts, asDrawn: true) { (node, arguments, _) throws(CairnError) in
      let layer = try session.clone(node.layer)
      guard let call = session.callFunction else { return try layer(arguments: arguments) }
      return try call(layer, arguments)
    }
    var (newStarts, newEnds) = (starts[...], ends[...])
    guard let first = inputStructure.arranging(&newStarts),
      let last = outputStructure.arranging(&newEnds)
    else { throw wrongInputs(expected: graph.inputs.count, found: starts.count) }
    let clone = try Functional(
      first, last, state: state.fresh(Self.className), compile: compileConfiguration,
      in: &session.build)
    try clone.addMetrics(like: self)
    return clone
  }
}
