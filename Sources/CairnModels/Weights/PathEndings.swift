// Paths by what they end with: Keras's own paths lack the names of functional models around a layer.

import CairnTensors

/// For each end of a model's paths, from a slash on, the path that is meant.
struct PathEndings {
  private struct Candidate {
    /// How many parts stand in front of the end.
    var missing: Int
    var path: TensorName
    var variable: ObjectIdentifier
  }
  private var candidates: [[UInt8]: [Candidate]] = [:]

  init(_ variables: [(name: TensorName, variable: Variable)]) {
    for (path, variable) in variables {
      var end = Array(path.string.utf8)[...]
      var missing = 0
      while true {
        let candidate = Candidate(
          missing: missing, path: path, variable: ObjectIdentifier(variable))
        candidates[Array(end), default: []].append(candidate)
        guard let slash = end.firstIndex(of: UInt8(ascii: "/")) else { break }
        end = end[(slash + 1)...]
        missing += 1
      }
    }
  }

  /// What a name can mean.
  enum Meaning {
    case path(TensorName)
    /// Several variables that the name fits equally well.
    case undecided([TensorName])
    case nothing
  }

  /// The path that ends with `name` and has the fewest parts in front of it.
  func meaning(of name: TensorName) -> Meaning {
    guard let found = candidates[Array(name.string.utf8)],
      let fewest = found.map(\.missing).min()
    else { return .nothing }
    let nearest = found.filter { $0.missing == fewest }
    guard Set(nearest.map(\.variable)).count == 1 else { return .undecided(nearest.map(\.path)) }
    return .path(nearest[0].path)
  }
}
