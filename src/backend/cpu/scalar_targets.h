// Instead of targets.h in files without vectors, whose code gains from AVX2's machines alone (BMI2: shifts by any
// register). With AVX-512 GCC 12 keeps integers in mask and vector registers, which costs more than memory would.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
