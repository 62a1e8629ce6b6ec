// Include before any Highway header in files with kernels: the instruction sets that are compiled. SSSE3 and AVX3_DL
// would add code but no speed over their neighbours.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
