// SPDX-License-Identifier: Apache-2.0
// The lattice kernels for scalar; the text is kernel.h.
#define MELISSA_ISA scalar
#define MELISSA_WIDTH 1
#include "kernel.h"

namespace melissa {
const LatticeKernels latticeScalar = scalar::kernels;
}
