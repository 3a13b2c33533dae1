// Where the repository is, from this file's place in it.

/// The path of the repository's root.
package let repository =
  #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

/// The path of the golden files.
package let fixtures = repository + "/Fixtures"
