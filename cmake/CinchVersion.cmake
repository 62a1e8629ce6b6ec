# include/cinch/version.h is what programs see; a release that forgets it must not configure.
file(STRINGS "${PROJECT_SOURCE_DIR}/include/cinch/version.h" version_line REGEX "define CINCH_VERSION ")
if(NOT version_line MATCHES "\"${PROJECT_VERSION}\"")
  message(FATAL_ERROR "include/cinch/version.h says '${version_line}', CMakeLists.txt says ${PROJECT_VERSION}")
endif()
unset(version_line)
