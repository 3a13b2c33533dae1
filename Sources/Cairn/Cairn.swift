// The umbrella: one import for everything that a user of the library needs. From the lower modules
// it exports only what occurs in signatures.

@_exported public import CairnCheckpoints
@_exported public import CairnComparison
@_exported public import CairnContainer
@_exported public import CairnEditing
@_exported public import CairnForeign
@_exported public import CairnModelFiles
@_exported public import CairnModels
@_exported public import CairnTensors

@_exported public import enum CairnJSON.JSONValue
@_exported public import enum CairnSystem.Durability
@_exported public import enum CairnSystem.FileAccess
@_exported public import class CairnSystem.MemorySink
@_exported public import protocol CairnSystem.ByteSink
@_exported public import protocol CairnSystem.ByteSource
@_exported public import struct CairnJSON.JSONObject
@_exported public import struct CairnSystem.ByteRegion
@_exported public import struct CairnSystem.CairnError
@_exported public import struct CairnSystem.MemoryBytes
@_exported public import struct CairnSystem.Threads
@_exported public import struct CairnSystem.WorkProgress
@_exported public import typealias CairnSystem.ProgressHandler
