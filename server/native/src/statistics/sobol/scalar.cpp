// SPDX-License-Identifier: Apache-2.0
// The sobol kernels for scalar; the text is kernel.h.
#define MELISSA_ISA scalar
#define MELISSA_WIDTH 1
#include "kernel.h"

namespace melissa {
const SobolKernels sobolScalar = scalar::kernels;
}
