// SPDX-License-Identifier: Apache-2.0
// The covariance kernels for neon; the text is kernel.h.
#define MELISSA_ISA neon
#define MELISSA_WIDTH 2
#include "kernel.h"

namespace melissa {
const CovarianceKernels covarianceNeon = neon::kernels;
}
