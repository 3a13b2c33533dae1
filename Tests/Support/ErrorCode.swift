// Which error a piece of code throws.

package import CairnSystem

/// The code of the error that `body` throws, or nil.
package func code(_ body: () throws -> Void) -> CairnError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CairnError)?.code
  }
}
