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

/// Runs the C library for one caller at a time, because it is not safe for several.
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

/// An HDF5 file that is written in memory.
struct HDF5File {
  private let handle: HDF5Handle

  /// Makes a file that leaves `userBlock` bytes at its beginning to the caller.
  init(userBlock: Int) throws {
    let creation = try Self.properties(compress_h5p_file_create())
    guard H5Pset_userblock(creation.id, hsize_t(userBlock)) >= 0 else {
      throw HDF5Error(call: "H5Pset_userblock", object: "")
    }
    // Nodes of B-trees and symbol tables take their full size, however few entries they have, so
    // they are kept small.
    H5Pset_istore_k(creation.id, 4)
    H5Pset_sym_k(creation.id, 4, 2)
    H5Pset_obj_track_times(creation.id, false)
    let access = try Self.properties(compress_h5p_file_access())
    guard H5Pset_fapl_core(access.id, 1 << 20, false) >= 0 else {
      throw HDF5Error(call: "H5Pset_fapl_core", object: "")
    }
    handle = try HDF5Handle(
      H5Fcreate("memory", compress_h5f_acc_trunc(), creation.id, access.id),
      call: "H5Fcreate", object: "", close: H5Fclose)
  }

  /// The bytes of the file after the user block.
  func image() throws -> Data {
    guard H5Fflush(handle.id, H5F_SCOPE_GLOBAL) >= 0 else {
      throw HDF5Error(call: "H5Fflush", object: "")
    }
    let size = H5Fget_file_image(handle.id, nil, 0)
    guard size > 0 else { throw HDF5Error(call: "H5Fget_file_image", object: "") }
    var data = Data(count: size)
    let read = data.withUnsafeMutableBytes {
      H5Fget_file_image(handle.id, $0.baseAddress, size)
    }
    guard read == size else { throw HDF5Error(call: "H5Fget_file_image", object: "") }
    return data
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

  /// The shape of a chunk: whole rows of the outermost axis, about 256 kB together, or a piece of
  /// one row when it is longer.
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
