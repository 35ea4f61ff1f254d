import CHDF5
import Foundation
import Synchronization
import Tensors

/// An HDF5 call that failed: which one, on which object.
struct HDF5Error: Error {
  var call: String
  var object: String
}

/// An open object of the C library, closed when nothing holds it any more.
final class HDF5Handle {
  let id: hid_t
  private let close: (hid_t) -> herr_t

  init(_ id: hid_t, call: String, object: String, close: @escaping (hid_t) -> herr_t) throws {
    guard id >= 0 else { throw HDF5Error(call: call, object: object) }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}

/// Runs the C library, which is not safe to enter twice, one caller at a time.
enum HDF5Library {
  private static let lock = Mutex(false)

  static func run<Result>(_ body: () throws -> Result) throws -> Result {
    try lock.withLock { isSilenced in
      if !isSilenced {
        compress_h5_silence()
        isSilenced = true
      }
      return try body()
    }
  }
}

/// One HDF5 file.
struct HDF5File {
  private let handle: HDF5Handle

  /// Makes a file whose first `userBlock` bytes are left to the caller.
  init(creating path: String, userBlock: Int) throws {
    let creation = try Self.properties(compress_h5p_file_create())
    guard H5Pset_userblock(creation.id, hsize_t(userBlock)) >= 0 else {
      throw HDF5Error(call: "H5Pset_userblock", object: path)
    }
    H5Pset_obj_track_times(creation.id, false)
    handle = try HDF5Handle(
      H5Fcreate(path, compress_h5f_acc_trunc(), creation.id, compress_h5p_default()),
      call: "H5Fcreate", object: path, close: H5Fclose)
  }

  /// Opens a file to read.
  init(reading path: String) throws {
    handle = try HDF5Handle(
      H5Fopen(path, compress_h5f_acc_rdonly(), compress_h5p_default()),
      call: "H5Fopen", object: path, close: H5Fclose)
  }

  private static func properties(_ kind: hid_t) throws -> HDF5Handle {
    try HDF5Handle(H5Pcreate(kind), call: "H5Pcreate", object: "", close: H5Pclose)
  }

  func makeGroup(_ path: String) throws {
    let creation = try Self.properties(compress_h5p_group_create())
    H5Pset_obj_track_times(creation.id, false)
    _ = try HDF5Handle(
      H5Gcreate2(handle.id, path, compress_h5p_default(), creation.id, compress_h5p_default()),
      call: "H5Gcreate2", object: path, close: H5Gclose)
  }

  func exists(_ path: String) -> Bool {
    H5Lexists(handle.id, path, compress_h5p_default()) > 0
  }

  func isGroup(_ path: String) -> Bool {
    guard exists(path) else { return false }
    let id = H5Oopen(handle.id, path, compress_h5p_default())
    guard id >= 0 else { return false }
    defer { H5Oclose(id) }
    return H5Iget_type(id) == H5I_GROUP
  }

  /// Writes a tensor: chunked, shuffled and deflated unless it is very small.
  func write(_ tensor: Tensor, to path: String) throws {
    let stored = HDF5ElementType.storage(of: tensor.type)
    let type = try HDF5ElementType.handle(stored.elementType)
    let space = try dataspace(stored.shape, path)
    let creation = try Self.properties(compress_h5p_dataset_create())
    H5Pset_obj_track_times(creation.id, false)
    if stored.count > 64, !stored.shape.isEmpty {
      let chunk = Self.chunk(of: stored).map { hsize_t($0) }
      H5Pset_chunk(creation.id, Int32(chunk.count), chunk)
      H5Pset_shuffle(creation.id)
      H5Pset_deflate(creation.id, 6)
    }
    let dataset = try HDF5Handle(
      H5Dcreate2(
        handle.id, path, type.id, space.id, compress_h5p_default(), creation.id,
        compress_h5p_default()),
      call: "H5Dcreate2", object: path, close: H5Dclose)
    let status = tensor.withUnsafeBytes {
      H5Dwrite(
        dataset.id, type.id, compress_h5s_all(), compress_h5s_all(), compress_h5p_default(),
        $0.baseAddress)
    }
    guard status >= 0 else { throw HDF5Error(call: "H5Dwrite", object: path) }
  }

  /// Reads a dataset that must hold a tensor of exactly this type.
  func read(_ path: String, as type: TensorType) throws -> Tensor {
    let dataset = try HDF5Handle(
      H5Dopen2(handle.id, path, compress_h5p_default()), call: "H5Dopen2", object: path,
      close: H5Dclose)
    let stored = HDF5ElementType.storage(of: type)
    let kind = try HDF5ElementType.handle(stored.elementType)
    let found = try HDF5Handle(
      H5Dget_type(dataset.id), call: "H5Dget_type", object: path, close: H5Tclose)
    guard H5Tequal(found.id, kind.id) > 0, try shape(of: dataset, path) == stored.shape else {
      throw HDF5Error(call: "type and shape check (expected \(type))", object: path)
    }
    let tensor = Tensor(uninitialized: type)
    let status = H5Dread(
      dataset.id, kind.id, compress_h5s_all(), compress_h5s_all(), compress_h5p_default(),
      tensor.rawBytes.baseAddress)
    guard status >= 0 else { throw HDF5Error(call: "H5Dread", object: path) }
    return tensor
  }

  /// The extents of a dataset.
  func shape(of path: String) throws -> [Int] {
    let dataset = try HDF5Handle(
      H5Dopen2(handle.id, path, compress_h5p_default()), call: "H5Dopen2", object: path,
      close: H5Dclose)
    return try shape(of: dataset, path)
  }

  /// Gives an object a text attribute.
  func setAttribute(_ name: String, of path: String, to text: String) throws {
    let object = try HDF5Handle(
      H5Oopen(handle.id, path, compress_h5p_default()), call: "H5Oopen", object: path,
      close: H5Oclose)
    let type = try HDF5Handle(
      H5Tcopy(compress_h5t_c_s1()), call: "H5Tcopy", object: path, close: H5Tclose)
    H5Tset_size(type.id, max(text.utf8.count, 1))
    H5Tset_cset(type.id, H5T_CSET_UTF8)
    let space = try HDF5Handle(
      H5Screate(H5S_SCALAR), call: "H5Screate", object: path, close: H5Sclose)
    let attribute = try HDF5Handle(
      H5Acreate2(
        object.id, name, type.id, space.id, compress_h5p_default(), compress_h5p_default()),
      call: "H5Acreate2", object: "\(path)@\(name)", close: H5Aclose)
    guard H5Awrite(attribute.id, type.id, text.isEmpty ? "\0" : text) >= 0 else {
      throw HDF5Error(call: "H5Awrite", object: "\(path)@\(name)")
    }
  }

  private func dataspace(_ shape: [Int], _ path: String) throws -> HDF5Handle {
    let extents = shape.map { hsize_t($0) }
    let id =
      shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), extents, nil)
    return try HDF5Handle(id, call: "H5Screate", object: path, close: H5Sclose)
  }

  private func shape(of dataset: HDF5Handle, _ path: String) throws -> [Int] {
    let space = try HDF5Handle(
      H5Dget_space(dataset.id), call: "H5Dget_space", object: path, close: H5Sclose)
    let rank = H5Sget_simple_extent_ndims(space.id)
    guard (0...32).contains(rank) else { throw HDF5Error(call: "rank", object: path) }
    var extents = [hsize_t](repeating: 0, count: Int(rank))
    H5Sget_simple_extent_dims(space.id, &extents, nil)
    return extents.map { Int(clamping: $0) }
  }

  /// Whole rows of the outermost axis, about 256 kB a chunk, or pieces of one row when it is longer.
  private static func chunk(of type: TensorType) -> [Int] {
    let limit = max(1, (256 << 10) * 8 / max(type.elementType.bitWidth, 1))
    var chunk = type.shape
    for axis in chunk.indices where chunk.product > limit {
      let rest = chunk[(axis + 1)...].product
      chunk[axis] = max(1, min(chunk[axis], limit / max(rest, 1)))
    }
    return chunk
  }
}

/// How element types lie in HDF5 files.
enum HDF5ElementType {
  /// The type a tensor is stored under: its own where HDF5 has it, else bytes or bits of the same layout.
  static func storage(of type: TensorType) -> TensorType {
    switch type.elementType {
    case .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      TensorType(.uint8, type.shape)
    case .bfloat16: TensorType(.uint16, type.shape)
    case .int4, .uint4: TensorType(.uint8, [type.byteCount])
    case .complex64: TensorType(.float32, type.shape + [2])
    case .complex128: TensorType(.float64, type.shape + [2])
    default: type
    }
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
