// Instead of scalar_targets.h in files that look bytes up in tables of 256 where AVX-512 VBMI can (AVX3_DL), and are
// scalar elsewhere.
#pragma once

#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3)
