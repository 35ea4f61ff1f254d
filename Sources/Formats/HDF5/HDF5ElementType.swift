import CHDF5
import Tensors

/// How element types are stored in HDF5 files.
enum HDF5ElementType {
  /// The type a tensor is stored as: its own where HDF5 has it, else an integer type of the same
  /// layout.
  ///
  /// More axes than HDF5 allows become one.
  static func storage(of type: TensorType) -> TensorType {
    if type.shape.count > 31 { return storage(of: TensorType(type.elementType, [type.count])) }
    return switch type.elementType {
    case .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      TensorType(.uint8, type.shape)
    case .bfloat16: TensorType(.uint16, type.shape)
    case .int4, .uint4: TensorType(.uint8, [type.byteCount])
    case .complex64: TensorType(.float32, type.shape + [2])
    case .complex128: TensorType(.float64, type.shape + [2])
    default: type
    }
  }

  /// Whether a datatype message describes numbers of a type, little-endian and without padding.
  static func matches(_ type: ElementType, _ message: HDF5Bytes) throws -> Bool {
    guard try message.number(4, 4) == UInt64(type.bitWidth / 8), try message.number(8, 2) == 0,
      try message.number(10, 2) == UInt64(type.bitWidth)
    else { return false }
    let isFloat = type.isFloatingPoint
    guard try message.number(0, 1) == (isFloat ? 0x11 : 0x10) else { return false }
    guard isFloat else {
      let isSigned = [.int8, .int16, .int32, .int64].contains(type)
      return try message.number(1, 1) == (isSigned ? 8 : 0)
    }
    let (exponent, fraction): (UInt64, UInt64) =
      type == .float16 ? (5, 10) : type == .float32 ? (8, 23) : (11, 52)
    return try message.number(1, 1) & 0x41 == 0 && message.number(2, 1) == exponent + fraction
      && message.number(12, 1) == fraction && message.number(13, 1) == exponent
      && message.number(14, 1) == 0 && message.number(15, 1) == fraction
      && message.number(16, 4) == (1 << (exponent - 1)) - 1
  }

  static func handle(_ type: ElementType) throws -> HDF5Handle {
    try HDF5Handle(
      H5Tcopy(type == .float16 ? compress_h5t_float32() : native(type)), call: "H5Tcopy",
      object: type.rawValue, close: H5Tclose
    ).half(type == .float16)
  }

  private static func native(_ type: ElementType) -> hid_t {
    switch type {
    case .float32: compress_h5t_float32()
    case .float64: compress_h5t_float64()
    case .int8: compress_h5t_int8()
    case .int16: compress_h5t_int16()
    case .int32: compress_h5t_int32()
    case .int64: compress_h5t_int64()
    case .uint16: compress_h5t_uint16()
    case .uint32: compress_h5t_uint32()
    case .uint64: compress_h5t_uint64()
    default: compress_h5t_uint8()
    }
  }
}

extension HDF5Handle {
  /// Turns a copy of the 32-bit float type into IEEE half precision, as h5py reads and writes it.
  fileprivate func half(_ isHalf: Bool) -> HDF5Handle {
    guard isHalf else { return self }
    H5Tset_fields(id, 15, 10, 5, 0, 10)
    H5Tset_size(id, 2)
    H5Tset_ebias(id, 15)
    return self
  }
}
