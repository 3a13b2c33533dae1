// How errors read in an app, whose alerts ask Foundation for an error's texts.

public import CairnSystem

// LocalizedError is in either; the smaller one is enough.
#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension CairnError: LocalizedError {
  /// Where it was, what was found and what was expected, in one sentence without the code.
  public var errorDescription: String? {
    var bare = self
    bare.advice = nil
    return bare.description.replacing(" [\(code.name)]", with: "", maxReplacements: 1)
  }

  /// What was wrong, as one clause.
  public var failureReason: String? { message }

  /// What the user can do.
  public var recoverySuggestion: String? { advice }
}
