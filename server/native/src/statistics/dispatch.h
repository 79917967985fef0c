// SPDX-License-Identifier: Apache-2.0
/*
 * The one place that knows which instruction set runs. The widest that processor and operating system have is chosen at
 * first use; tests and benchmarks force another. Results are the same bits with each.
 */
#pragma once
#include <string_view>

namespace melissa {

struct MomentsKernels;
struct LatticeKernels;
struct SobolKernels;
struct CovarianceKernels;

struct Kernels {
  std::string_view name;  // scalar, avx2, avx512, neon
  const MomentsKernels& moments;
  const LatticeKernels& lattice;
  const SobolKernels& sobol;
  const CovarianceKernels& covariance;
};

const Kernels& kernels();

/** Name of the instruction set in use. */
std::string_view instructionSet();

/** Uses this set from now on; the empty name goes back to the widest. False, and no change, when the machine lacks it. */
bool forceInstructionSet(std::string_view name);

}  // namespace melissa
