# The CUDA runtime as an imported target of our own: cinch_cudart, linked statically so that no path to it is needed at
# run time. Sought beside nvcc, in a toolkit, and in PyPI's packages beside LibTorch. Used by cinch's own build and,
# installed, by its package. Without it there is no target.
if(NOT TARGET cinch_cudart)
  set(nvcc_folder)
  if(CINCH_NVCC)
    get_filename_component(nvcc_folder "${CINCH_NVCC}" REALPATH)
    get_filename_component(nvcc_folder "${nvcc_folder}" DIRECTORY)
  endif()
  file(GLOB wheels "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/nvidia/cu13"
                   "${CINCH_TORCH_DIR}/../nvidia/cu13")
  find_library(CINCH_CUDART NAMES libcudart_static.a
               HINTS "${nvcc_folder}/.." "${CUDAToolkit_ROOT}" "$ENV{CUDA_HOME}"
               PATHS /usr/local/cuda ${wheels} PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib)
  mark_as_advanced(CINCH_CUDART)
  if(CINCH_CUDART)
    add_library(cinch_cudart INTERFACE IMPORTED GLOBAL)
    target_link_libraries(cinch_cudart INTERFACE "${CINCH_CUDART}" Threads::Threads ${CMAKE_DL_LIBS} rt)
  endif()
  unset(nvcc_folder)
  unset(wheels)
endif()
