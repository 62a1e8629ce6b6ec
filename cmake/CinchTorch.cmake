# LibTorch for cinch's own targets: the imported target cinch_torch, and one precompiled header for all who use it.
include(CinchFindTorch)
if(CINCH_TORCH_PROBLEM)
  message(FATAL_ERROR "${CINCH_TORCH_PROBLEM}. scripts/setup.sh puts LibTorch 2.11 into .venv; "
                      "-DCINCH_WITH_TORCH=OFF builds the planner alone.")
endif()
message(STATUS "LibTorch ${CINCH_TORCH_VERSION} in ${CINCH_TORCH_DIR}")

# What knows torch's CUDA allocator and streams: plain C++, built without nvcc too.
set(CINCH_TORCH_CUDA OFF)
if(CINCH_WITH_CUDA AND TARGET cinch_torch_cuda AND CINCH_CUDA_HEADERS)
  set(CINCH_TORCH_CUDA ON)
elseif(CINCH_WITH_CUDA)
  message(STATUS "Guards of CUDA devices: left out, no LibTorch with CUDA, or no CUDA runtime with its headers (scripts/setup.sh --cuda)")
endif()

# cinch_sees_cuda_headers(REGEX source...): the CUDA runtime's headers for those of the sources that match, and for no
# other, so that the others are compiled alike with and without CUDA.
function(cinch_sees_cuda_headers regex)
  list(FILTER ARGN INCLUDE REGEX "${regex}")
  if(ARGN)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-isystem;${CINCH_CUDA_HEADERS}")
  endif()
endfunction()

add_library(cinch_torch_pch OBJECT "${CMAKE_CURRENT_LIST_DIR}/torch_pch.cpp")
set_target_properties(cinch_torch_pch PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(cinch_torch_pch PRIVATE cinch_options cinch_torch)
target_precompile_headers(cinch_torch_pch PRIVATE "${CMAKE_CURRENT_LIST_DIR}/torch_pch.h")

# A target's sources see torch: links it and reuses the precompiled header.
function(cinch_use_torch name)
  target_link_libraries(${name} PUBLIC cinch_torch)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL EXECUTABLE)
    # CMake would give executables -fPIE, and the header was compiled with -fPIC: GCC would then not use it.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  else()
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  target_precompile_headers(${name} REUSE_FROM cinch_torch_pch)
endfunction()
