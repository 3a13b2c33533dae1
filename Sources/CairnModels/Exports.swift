// Re-exports what signatures here use from the modules below, so that one import is enough for
// models alone.

@_exported public import CairnTensors

@_exported public import enum CairnJSON.JSONValue
@_exported public import protocol CairnCheckpoints.TensorSource
@_exported public import struct CairnJSON.JSONObject
@_exported public import struct CairnSystem.CairnError
@_exported public import struct CairnSystem.Threads
