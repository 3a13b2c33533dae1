// Errors that say where in a configuration what they complain of stands.

import CairnSystem

/// What `body` gives; its errors are located at that name.
func located<Result>(
  at name: @autoclosure () -> String, _ body: () throws(CairnError) -> Result
) throws(CairnError) -> Result {
  do throws(CairnError) { return try body() } catch { throw error.located(name: name()) }
}
