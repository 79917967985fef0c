// SPDX-License-Identifier: Apache-2.0
// Where the streams of a Sobol' accumulator lie.
#include "sobol.h"

namespace melissa {

size_t SobolLayout::parameterStreams() const {
  switch (kind) {
    case SobolKind::Martinez: return 4;
    case SobolKind::Robust: return 16;
    case SobolKind::Jansen: return secondOrder ? 4 : 2;
    case SobolKind::Saltelli: return secondOrder ? 5 : 3;
  }
  return 0;
}

size_t SobolLayout::streamC(uint32_t i) const {
  switch (kind) {
    case SobolKind::Jansen: return streamParameter(i) + 2;
    case SobolKind::Saltelli: return streamParameter(i) + 3;
    default: return streamParameter(i);
  }
}

}  // namespace melissa
