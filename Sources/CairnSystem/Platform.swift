// What the library asks of the machine it runs on.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The number of cores that are online, at least 1.
package func activeProcessorCount() -> Int {
  max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}

/// The bytes of memory that the machine has; `Int.max` if it does not say.
package func physicalMemory() -> Int {
  let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
  let bytes = pages.multiplied(by: Int(sysconf(Int32(_SC_PAGESIZE)))) ?? .max
  return bytes <= 0 ? .max : bytes
}
