# LibTorch as an imported target of our own. The wheel's CMake package insists on nvcc, and with CMake 3.25 and
# CUDA 13 it can fail even where nvcc is present; include folders and libraries are all that cinch needs of it.
# Sought in: CINCH_TORCH_DIR, CMAKE_PREFIX_PATH, the project's .venv, the python3 on PATH.
set(CINCH_TORCH_DIR "" CACHE PATH "Folder of LibTorch that holds include/ and lib/")
if(NOT CINCH_TORCH_DIR)
  set(candidates ${CMAKE_PREFIX_PATH})
  file(GLOB venv "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  list(APPEND candidates ${venv})
  find_program(CINCH_PYTHON NAMES python3)
  if(CINCH_PYTHON)
    execute_process(COMMAND "${CINCH_PYTHON}" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE py OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0)
      list(APPEND candidates "${py}")
    endif()
  endif()
  foreach(dir IN LISTS candidates)
    foreach(sub "" "/../..") # CMAKE_PREFIX_PATH may also be .../share/cmake
      if(EXISTS "${dir}${sub}/include/torch/csrc/autograd/engine.h" AND EXISTS "${dir}${sub}/lib")
        get_filename_component(found "${dir}${sub}" ABSOLUTE)
        set(CINCH_TORCH_DIR "${found}" CACHE PATH "Folder of LibTorch that holds include/ and lib/" FORCE)
        break()
      endif()
    endforeach()
    if(CINCH_TORCH_DIR)
      break()
    endif()
  endforeach()
endif()
if(NOT CINCH_TORCH_DIR)
  message(FATAL_ERROR "LibTorch not found: run scripts/setup.sh, or set CMAKE_PREFIX_PATH or CINCH_TORCH_DIR to a LibTorch 2.11 "
                      "folder, or configure with -DCINCH_WITH_TORCH=OFF for the planner alone")
endif()
file(STRINGS "${CINCH_TORCH_DIR}/include/torch/headeronly/version.h" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" CINCH_TORCH_VERSION "${lines}")
message(STATUS "LibTorch ${CINCH_TORCH_VERSION} in ${CINCH_TORCH_DIR}")

add_library(cinch_torch INTERFACE IMPORTED GLOBAL)
target_include_directories(cinch_torch SYSTEM INTERFACE
  "${CINCH_TORCH_DIR}/include" "${CINCH_TORCH_DIR}/include/torch/csrc/api/include")
# torch's own OpenMP runtime: with another one at::parallel_for in our code would be serial.
file(GLOB gomp "${CINCH_TORCH_DIR}/lib/libgomp*.so*")
target_compile_options(cinch_torch INTERFACE -fopenmp)
target_link_libraries(cinch_torch INTERFACE "-Wl,--no-as-needed" "${CINCH_TORCH_DIR}/lib/libtorch.so"
  "${CINCH_TORCH_DIR}/lib/libtorch_cpu.so" "${CINCH_TORCH_DIR}/lib/libc10.so" ${gomp} "-Wl,--as-needed")
target_link_options(cinch_torch INTERFACE "-Wl,-rpath,${CINCH_TORCH_DIR}/lib" "-Wl,--allow-shlib-undefined")

# One precompiled torch header for every target that uses torch with the same options.
add_library(cinch_torch_pch OBJECT "${CMAKE_CURRENT_LIST_DIR}/torch_pch.cpp")
set_target_properties(cinch_torch_pch PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(cinch_torch_pch PRIVATE cinch_options cinch_torch)
target_precompile_headers(cinch_torch_pch PRIVATE "${CMAKE_CURRENT_LIST_DIR}/torch_pch.h")

# A target's sources see torch: links it and reuses the precompiled header.
function(cinch_use_torch name)
  target_link_libraries(${name} PUBLIC cinch_torch)
  get_target_property(type ${name} TYPE)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_precompile_headers(${name} REUSE_FROM cinch_torch_pch)
endfunction()
