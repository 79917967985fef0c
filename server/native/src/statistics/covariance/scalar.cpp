// SPDX-License-Identifier: Apache-2.0
// The covariance kernels for scalar; the text is kernel.h.
#define MELISSA_ISA scalar
#define MELISSA_WIDTH 1
#include "kernel.h"

namespace melissa {
const CovarianceKernels covarianceScalar = scalar::kernels;
}
