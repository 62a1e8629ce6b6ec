# CUDA kernels without CMake's CUDA language: nvcc is called directly. The language insists on a toolkit of NVIDIA's
# layout, which PyPI's packages are not, and CMake 3.25 does not know CUDA 13. No torch header passes through nvcc.
# Sets CINCH_CUDA (kernels are built), CINCH_NVCC; cinch_cuda_sources() adds .cu files to a target.
# Code for 80 runs on 86 and 89 too, and the last one travels as PTX for newer GPUs; the preset `release` has one for each.
set(CINCH_CUDA_ARCHITECTURES "75;80;90" CACHE STRING "Compute capabilities to compile kernels for")
set(CINCH_CUDA OFF)

if(CINCH_WITH_CUDA)
  file(GLOB venvs "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/nvidia/cu13/bin")
  find_program(CINCH_NVCC NAMES nvcc HINTS "${CUDAToolkit_ROOT}/bin" "$ENV{CUDA_HOME}/bin" PATHS /usr/local/cuda/bin ${venvs})
  mark_as_advanced(CINCH_NVCC)
  set(problem "no nvcc was found")
  if(CINCH_NVCC)
    include(CinchFindCudart)
    execute_process(COMMAND "${CINCH_NVCC}" --version OUTPUT_VARIABLE nvcc_version ERROR_QUIET)
    string(REGEX REPLACE ".*release ([0-9.]+).*" "\\1" nvcc_version "${nvcc_version}")
    if(NOT TARGET cinch_cudart)
      set(problem "libcudart_static.a was not found beside ${CINCH_NVCC}")
    elseif(nvcc_version VERSION_LESS 12.4)
      set(problem "${CINCH_NVCC} is of CUDA ${nvcc_version}, and 12.4 is needed")
    else()
      set(CINCH_CUDA ON)
      message(STATUS "CUDA kernels: ${CINCH_NVCC}, CUDA ${nvcc_version}, architectures ${CINCH_CUDA_ARCHITECTURES}")
    endif()
  endif()
  if(NOT CINCH_CUDA AND NOT CINCH_WITH_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "CINCH_WITH_CUDA=${CINCH_WITH_CUDA}: ${problem}. scripts/setup.sh --cuda installs what is needed into .venv; "
                        "CUDAToolkit_ROOT names another toolkit")
  elseif(NOT CINCH_CUDA)
    message(STATUS "CUDA kernels: left out, ${problem}")
  endif()
  unset(venvs)
endif()

# cinch_cuda_sources(TARGET file.cu...): compiles with nvcc and links the objects into the target.
function(cinch_cuda_sources target)
  # No contraction and no fast division: kernels give the same bytes as the CPU codecs.
  set(flags -std=c++20 -O3 -DNDEBUG -Xptxas -v --expt-relaxed-constexpr --fmad=false -lineinfo "-I${PROJECT_SOURCE_DIR}"
            "-I${PROJECT_SOURCE_DIR}/include" -Xcompiler -fPIC,-ffp-contract=off,-Wall,-Wextra)
  foreach(arch IN LISTS CINCH_CUDA_ARCHITECTURES)
    list(APPEND flags -gencode "arch=compute_${arch},code=sm_${arch}")
  endforeach()
  # For GPUs newer than all of these.
  list(GET CINCH_CUDA_ARCHITECTURES -1 newest)
  list(APPEND flags -gencode "arch=compute_${newest},code=compute_${newest}")
  if(CINCH_WERROR)
    list(APPEND flags -Werror all-warnings -Xcompiler -Werror)
  endif()
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH name "${PROJECT_SOURCE_DIR}" "${source}")
    set(object "${CMAKE_CURRENT_BINARY_DIR}/cuda/${name}.o")
    get_filename_component(folder "${object}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(
      OUTPUT "${object}"
      COMMAND "${PROJECT_SOURCE_DIR}/cmake/nvcc.sh" "${object}.ptxas" ${CINCH_CCACHE} "${CINCH_NVCC}" -ccbin "${CMAKE_CXX_COMPILER}"
              ${flags} -MD -MF "${object}.d" -c "${source}" -o "${object}"
      DEPENDS "${source}"
      DEPFILE "${object}.d"
      COMMENT "Building CUDA object ${name}"
      VERBATIM)
    target_sources(${target} PRIVATE "${object}")
    set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  endforeach()
  target_link_libraries(${target} PUBLIC cinch_cudart)
endfunction()
