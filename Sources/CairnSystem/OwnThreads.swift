// Threads of Cairn's own. Unsafe code: the calls of POSIX threads.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Threads that run one piece of work beside the caller, and end with it.
///
/// If the system cannot give a thread (a container's limit on processes, no address space for
/// another stack) there are fewer threads, perhaps none: then the caller does the work alone. A
/// system's pool of threads waits for ever in that case.
@safe package final class OwnThreads {
  private var handles: [pthread_t] = []

  /// The most threads at once. Only tests set it, in the scope of `$most.withValue`.
  @TaskLocal package static var most: Int?

  /// The size of each stack: as large as in Linux's own pools, whatever the limit for the main
  /// thread.
  private static let stackByteCount = 2 << 20

  /// Begins up to `count` threads, each of which runs `body` once.
  package init(_ count: Int, running body: @escaping @Sendable () -> Void) {
    // A new thread knows nothing of the caller's task.
    let gate = Storage.gate
    let cancellation = Cancellation.current
    for _ in 0..<min(count, Self.most ?? count) {
      let task = Task {
        Storage.$gate.withValue(gate) { Cancellation.$current.withValue(cancellation) { body() } }
      }
      guard let handle = Self.begin(task) else { return }
      handles.append(handle)
    }
  }

  /// How many there are.
  package var count: Int { handles.count }

  /// Waits until all have ended.
  package func join() {
    // Each handle is of a thread that was begun here, and is forgotten once it is joined.
    while let handle = handles.popLast() { _ = pthread_join(handle, nil) }
  }

  /// Runs `body` on a thread that nobody waits for, or here and now if there is none.
  package static func leave(_ body: @escaping @Sendable () -> Void) {
    guard most != 0, let handle = begin(Task(body)) else { return body() }
    // The thread can be joined and nobody else has its handle.
    _ = pthread_detach(handle)
  }

  fileprivate final class Task: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private static func begin(_ task: Task) -> pthread_t? {
    #if canImport(Darwin)
      var handle: pthread_t?
    #else
      var handle = pthread_t()
    #endif
    // SAFETY: the reference that is passed holds one count, which the new thread takes over; if
    // there is no thread, it is released here. The thread lets go of the body before it ends, and
    // so before `join` returns.
    let passed = unsafe Unmanaged.passRetained(task)
    let status = unsafe create(&handle, passed.toOpaque())
    if status != 0 {
      unsafe passed.release()
      return nil
    }
    return handle
  }

  #if canImport(Darwin)
    private typealias Handle = pthread_t?
  #else
    private typealias Handle = pthread_t
  #endif

  private static func create(_ handle: inout Handle, _ passed: UnsafeMutableRawPointer) -> Int32 {
    var attributes = pthread_attr_t()
    let status = unsafe pthread_attr_init(&attributes)
    if status != 0 { return status }
    defer { unsafe pthread_attr_destroy(&attributes) }
    _ = unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
    return unsafe pthread_create(&handle, &attributes, runOwnThread, passed)
  }
}

#if canImport(Darwin)
  private func runOwnThread(_ passed: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    // SAFETY: it is what `begin` retained, taken over once.
    unsafe Unmanaged<OwnThreads.Task>.fromOpaque(passed).takeRetainedValue().body()
    return nil
  }
#else
  private func runOwnThread(_ passed: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let passed = unsafe passed else { return nil }
    // SAFETY: it is what `begin` retained, taken over once.
    unsafe Unmanaged<OwnThreads.Task>.fromOpaque(passed).takeRetainedValue().body()
    return nil
  }
#endif
