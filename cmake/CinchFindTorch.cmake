# LibTorch as an imported target of our own: cinch_torch. The wheel's CMake package insists on nvcc, and with CMake 3.25
# and CUDA 13 it can fail even where nvcc is present; include folders and libraries are all that cinch needs of it.
# Sought in: CINCH_TORCH_DIR, an earlier find_package(Torch), CMAKE_PREFIX_PATH, the .venv of the project, the python3 on PATH.
# Used by cinch's own build and, installed, by its package. Sets CINCH_TORCH_DIR, CINCH_TORCH_VERSION; when LibTorch
# is not found or incomplete, CINCH_TORCH_PROBLEM says why and there is no target.
set(CINCH_TORCH_DIR "" CACHE PATH "Folder of LibTorch that holds include/ and lib/")
set(CINCH_TORCH_PROBLEM "")

function(cinch_find_torch_dir result)
  set(candidates "${TORCH_INSTALL_PREFIX}" ${CMAKE_PREFIX_PATH})
  if(DEFINED ENV{CMAKE_PREFIX_PATH})
    string(REPLACE ":" ";" prefixes "$ENV{CMAKE_PREFIX_PATH}")
    list(APPEND candidates ${prefixes})
  endif()
  file(GLOB venvs "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch"
                  "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  list(APPEND candidates ${venvs})
  find_program(CINCH_PYTHON NAMES python3)
  mark_as_advanced(CINCH_PYTHON)
  if(CINCH_PYTHON)
    execute_process(
      COMMAND "${CINCH_PYTHON}" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
    if(status EQUAL 0)
      list(APPEND candidates "${wheel}")
    endif()
  endif()
  foreach(dir IN LISTS candidates)
    foreach(sub "" "/../..") # CMAKE_PREFIX_PATH may also be .../share/cmake
      if(EXISTS "${dir}${sub}/include/torch/csrc/autograd/engine.h" AND EXISTS "${dir}${sub}/lib/libtorch_cpu.so")
        get_filename_component(found "${dir}${sub}" ABSOLUTE)
        set(${result} "${found}" PARENT_SCOPE)
        return()
      endif()
    endforeach()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

if(NOT CINCH_TORCH_DIR)
  cinch_find_torch_dir(found)
  if(found)
    set(CINCH_TORCH_DIR "${found}" CACHE PATH "Folder of LibTorch that holds include/ and lib/" FORCE)
  endif()
endif()

set(version_header "${CINCH_TORCH_DIR}/include/torch/headeronly/version.h")
if(NOT CINCH_TORCH_DIR)
  set(CINCH_TORCH_PROBLEM "LibTorch was not found; set CINCH_TORCH_DIR or CMAKE_PREFIX_PATH to its folder")
elseif(NOT EXISTS "${version_header}")
  set(CINCH_TORCH_PROBLEM "CINCH_TORCH_DIR=${CINCH_TORCH_DIR} holds no LibTorch of a version that cinch knows: include/torch/headeronly/version.h is missing")
else()
  file(STRINGS "${version_header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" CINCH_TORCH_VERSION "${lines}")
  string(REGEX REPLACE "\\.[0-9]+$" "" CINCH_TORCH_MINOR "${CINCH_TORCH_VERSION}")
  if(NOT TARGET cinch_torch)
    add_library(cinch_torch INTERFACE IMPORTED GLOBAL)
    target_include_directories(cinch_torch SYSTEM INTERFACE
      "${CINCH_TORCH_DIR}/include" "${CINCH_TORCH_DIR}/include/torch/csrc/api/include")
    # torch's own OpenMP runtime: with another one at::parallel_for in our code would be serial.
    file(GLOB gomp "${CINCH_TORCH_DIR}/lib/libgomp*.so*")
    target_compile_options(cinch_torch INTERFACE -fopenmp)
    # libstdc++ first: libtorch.so exports parts of std::filesystem of its own that crash in programs of another GCC.
    target_link_libraries(cinch_torch INTERFACE "-Wl,--no-as-needed" -lstdc++ "${CINCH_TORCH_DIR}/lib/libtorch.so"
      "${CINCH_TORCH_DIR}/lib/libtorch_cpu.so" "${CINCH_TORCH_DIR}/lib/libc10.so" ${gomp} "-Wl,--as-needed")
    target_link_options(cinch_torch INTERFACE "-Wl,-rpath,${CINCH_TORCH_DIR}/lib" "-Wl,--allow-shlib-undefined")
  endif()
endif()

# The CUDA part of LibTorch as cinch_torch_cuda, where it is there together with the CUDA runtime, which PyPI puts beside
# it and a toolkit holds too. CINCH_CUDA_HEADERS: the runtime's headers, where they are complete; programs that use cinch
# do without them.
if(TARGET cinch_torch AND NOT TARGET cinch_torch_cuda AND EXISTS "${CINCH_TORCH_DIR}/lib/libc10_cuda.so"
   AND EXISTS "${CINCH_TORCH_DIR}/include/c10/cuda/CUDACachingAllocator.h")
  # crt/: what torch's headers include needs it, and the wheels that torch itself asks for do not bring it.
  find_path(CINCH_CUDA_HEADERS crt/host_config.h HINTS "${CINCH_TORCH_DIR}/../nvidia/cu13/include" PATHS /usr/local/cuda/include)
  mark_as_advanced(CINCH_CUDA_HEADERS)
  file(GLOB cudart "${CINCH_TORCH_DIR}/../nvidia/cu13/lib/libcudart.so*" "${CINCH_CUDA_HEADERS}/../lib64/libcudart.so")
  if(cudart)
    list(GET cudart 0 cudart)
    add_library(cinch_torch_cuda INTERFACE IMPORTED GLOBAL)
    target_link_libraries(cinch_torch_cuda INTERFACE cinch_torch "${CINCH_TORCH_DIR}/lib/libc10_cuda.so"
                          "${CINCH_TORCH_DIR}/lib/libtorch_cuda.so" "${cudart}")
  endif()
  unset(cudart)
endif()
unset(version_header)
unset(lines)
