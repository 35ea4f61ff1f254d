#ifndef COMPRESS_CHDF5_SHIM_H
#define COMPRESS_CHDF5_SHIM_H
#include <hdf5.h>

// HDF5's constants are macros over run-time values, which Swift cannot import.
static inline unsigned compress_h5f_acc_trunc(void) { return H5F_ACC_TRUNC; }
static inline unsigned compress_h5f_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline hid_t compress_h5p_default(void) { return H5P_DEFAULT; }
static inline hid_t compress_h5s_all(void) { return H5S_ALL; }
static inline hid_t compress_h5p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t compress_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t compress_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t compress_h5p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t compress_h5t_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t compress_h5t_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t compress_h5t_int8(void) { return H5T_STD_I8LE; }
static inline hid_t compress_h5t_int16(void) { return H5T_STD_I16LE; }
static inline hid_t compress_h5t_int32(void) { return H5T_STD_I32LE; }
static inline hid_t compress_h5t_int64(void) { return H5T_STD_I64LE; }
static inline hid_t compress_h5t_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t compress_h5t_uint16(void) { return H5T_STD_U16LE; }
static inline hid_t compress_h5t_uint32(void) { return H5T_STD_U32LE; }
static inline hid_t compress_h5t_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t compress_h5t_c_s1(void) { return H5T_C_S1; }
static inline void compress_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
#endif
