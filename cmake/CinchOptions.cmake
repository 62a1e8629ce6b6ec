# Compile options of cinch's own targets; never global, so that FetchContent users keep theirs.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

add_library(cinch_options INTERFACE)
target_compile_features(cinch_options INTERFACE cxx_std_20)
# NDEBUG: the wheel is built with it, and inline torch code asserts on members that it then lacks.
target_compile_definitions(cinch_options INTERFACE NDEBUG)
# No contraction: CPU and CUDA must compute the same bits.
target_compile_options(cinch_options INTERFACE -Wall -Wextra -ffp-contract=off -fvisibility-inlines-hidden)
if(CINCH_WERROR)
  target_compile_options(cinch_options INTERFACE -Werror)
endif()

# One static library per room: cinch_room(NAME sources...)
function(cinch_room name)
  set(sources ${ARGN})
  if(NOT sources) # a room that is still being built
    set(sources "${PROJECT_SOURCE_DIR}/cmake/torch_pch.cpp")
  endif()
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
    PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE "$<BUILD_INTERFACE:cinch_options>")
  target_compile_features(${name} PUBLIC cxx_std_20)
endfunction()
