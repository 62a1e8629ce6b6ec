# Compile options of cinch's own targets; never global, so that FetchContent users keep theirs.
if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  # ccache where it is. It must be told that a precompiled header may carry __TIME__ and defines, and that paths below
  # the checkout mean the same in every clone.
  find_program(CINCH_CCACHE NAMES ccache)
  mark_as_advanced(CINCH_CCACHE)
  if(CINCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
                                    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "${CINCH_CCACHE}")
  endif()
endif()

add_library(cinch_options INTERFACE)
target_compile_features(cinch_options INTERFACE cxx_std_20)
# NDEBUG: the wheel is built with it, and inline torch code asserts on members that it then lacks.
target_compile_definitions(cinch_options INTERFACE NDEBUG)
# No contraction: CPU and CUDA must compute the same bits.
# -Wno-restrict: GCC 12 warns falsely about string concatenation (GCC bug 105651); clang does not know it.
target_compile_options(cinch_options INTERFACE -Wall -Wextra $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  -ffp-contract=off -fvisibility-inlines-hidden)
if(CINCH_WERROR)
  # What GCC 12's optimiser guesses about std::string and vectors is often false; it stays a warning.
  target_compile_options(cinch_options INTERFACE -Werror -Wno-error=array-bounds -Wno-error=stringop-overflow
    -Wno-error=stringop-overread -Wno-error=maybe-uninitialized -Wno-error=free-nonheap-object)
endif()
if(CINCH_SANITIZE)
  # vptr would ask torch's own objects for type data that the wheel does not export.
  target_compile_options(cinch_options INTERFACE "-fsanitize=${CINCH_SANITIZE}" -fno-omit-frame-pointer -g1)
  target_link_options(cinch_options INTERFACE "-fsanitize=${CINCH_SANITIZE}")
  if(CINCH_SANITIZE MATCHES "undefined")
    target_compile_options(cinch_options INTERFACE -fno-sanitize=vptr -fno-sanitize-recover=undefined)
  endif()
endif()

# One static library per room: cinch_room(NAME sources...). Its headers are found from the repository root inside, from
# include/ outside.
function(cinch_room name)
  set(sources ${ARGN})
  if(NOT sources) # a room that is still being built
    set(sources "${PROJECT_SOURCE_DIR}/cmake/torch_pch.cpp")
  endif()
  add_library(${name} STATIC ${sources})
  string(REGEX REPLACE "^cinch_" "" public_name "${name}")
  add_library(cinch::${public_name} ALIAS ${name})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${public_name})
  target_include_directories(${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE "$<BUILD_INTERFACE:cinch_options>")
  target_compile_features(${name} PUBLIC cxx_std_20)
endfunction()
