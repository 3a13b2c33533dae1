// How much the tests of crashes try: a little in every run of the tests, all of it on demand.

import Foundation

package enum Effort {
  /// Whether everything is to be tried, however long it takes: `make test-crash`.
  package static let isFull = ProcessInfo.processInfo.environment["CAIRN_TEST_CRASH"] == "full"
}
