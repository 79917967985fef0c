// SPDX-License-Identifier: Apache-2.0
// The covariance kernels for avx512; the text is kernel.h.
#define MELISSA_ISA avx512
#define MELISSA_WIDTH 8
#include "kernel.h"

namespace melissa {
const CovarianceKernels covarianceAvx512 = avx512::kernels;
}
