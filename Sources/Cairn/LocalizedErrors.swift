// The texts of errors for apps, whose alerts ask Foundation for them.

public import CairnSystem

// Both modules have LocalizedError; the smaller one is enough.
#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension CairnError: LocalizedError {
  /// The place, what was found and what was expected, in one sentence without the code.
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
