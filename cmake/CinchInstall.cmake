# Two export sets: the planner needs nothing but the C++ library, the rest needs LibTorch (and Highway).
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cinch")

install(DIRECTORY include/cinch DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h"
        PATTERN torch EXCLUDE PATTERN cinch.h EXCLUDE)
install(TARGETS cinch_core cinch_planner EXPORT cinchPlannerTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT cinchPlannerTargets NAMESPACE cinch:: DESTINATION "${package_dir}")

install(TARGETS cinch_codec EXPORT cinchCodecTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT cinchCodecTargets NAMESPACE cinch:: DESTINATION "${package_dir}")

if(CINCH_CUDA)
  install(FILES cmake/CinchFindCudart.cmake DESTINATION "${package_dir}")
endif()

if(CINCH_WITH_TORCH)
  install(DIRECTORY include/cinch/torch DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/cinch" FILES_MATCHING PATTERN "*.h")
  install(FILES include/cinch/cinch.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/cinch")
  install(TARGETS cinch_metrics cinch_backend_torch cinch EXPORT cinchTorchTargets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT cinchTorchTargets NAMESPACE cinch:: DESTINATION "${package_dir}")
  install(FILES cmake/CinchFindTorch.cmake DESTINATION "${package_dir}")
  if(CINCH_METRICS)
    install(FILES cmake/CinchFindMicrohttpd.cmake DESTINATION "${package_dir}")
  endif()
endif()

configure_package_config_file(cmake/cinchConfig.cmake.in "${PROJECT_BINARY_DIR}/cinchConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
# Below 1.0 a new minor may change names.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cinchConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/cinchConfig.cmake" "${PROJECT_BINARY_DIR}/cinchConfigVersion.cmake"
        DESTINATION "${package_dir}")
install(FILES LICENSE NOTICE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/cinch")
