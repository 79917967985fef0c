// SPDX-License-Identifier: Apache-2.0
#include "testing.h"
int main() { return testing::runAll(); }
