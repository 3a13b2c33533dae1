// Adds to errors the place in a configuration that they are about.

import CairnSystem

/// The result of `body`; its errors are located at the given name.
func located<Result>(
  at name: @autoclosure () -> String, _ body: () throws(CairnError) -> Result
) throws(CairnError) -> Result {
  do throws(CairnError) { return try body() } catch { throw error.located(name: name()) }
}
