/// Version of cinch; set by the release, checked by the build against CMake's.
#pragma once

#define CINCH_VERSION "0.1.0"
