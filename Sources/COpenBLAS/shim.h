#ifndef COMPRESS_COPENBLAS_SHIM_H
#define COMPRESS_COPENBLAS_SHIM_H
#include <cblas.h>

/// LAPACK's eigenvalues and eigenvectors of a symmetric matrix by divide and conquer, column-major, ascending; `info` is 0
/// when it succeeded.
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info);

/// LAPACK's Cholesky factorisation of a symmetric positive definite matrix, column-major; `info` is 0 when it succeeded.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);

/// LAPACK's solution of a system whose matrix `dpotrf_` has factorised.
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);

/// LAPACK's inverse of a matrix that `dpotrf_` has factorised, in the triangle that was read.
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
#endif
