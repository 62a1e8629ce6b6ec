# LibTorch for cinch's own targets: the imported target cinch_torch, and one precompiled header for all who use it.
include(CinchFindTorch)
if(CINCH_TORCH_PROBLEM)
  message(FATAL_ERROR "${CINCH_TORCH_PROBLEM}. scripts/setup.sh puts LibTorch 2.11 into .venv; "
                      "-DCINCH_WITH_TORCH=OFF builds the planner alone.")
endif()
message(STATUS "LibTorch ${CINCH_TORCH_VERSION} in ${CINCH_TORCH_DIR}")

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
