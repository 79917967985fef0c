// SPDX-License-Identifier: Apache-2.0
// The sobol kernels for avx2; the text is kernel.h.
#define MELISSA_ISA avx2
#define MELISSA_WIDTH 4
#include "kernel.h"

namespace melissa {
const SobolKernels sobolAvx2 = avx2::kernels;
}
