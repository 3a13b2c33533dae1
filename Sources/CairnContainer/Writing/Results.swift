// Results of parallel pieces of work, each put in its place.

import CairnSystem

/// One optional result an index, set from any thread.
final class Results<Value: Sendable>: Sendable {
  private let values: Lock<[Value?]>

  init(count: Int) { values = Lock([Value?](repeating: nil, count: count)) }

  subscript(index: Int) -> Value? {
    get { values.withLock { $0[index] } }
    set { values.withLock { $0[index] = newValue } }
  }
}
