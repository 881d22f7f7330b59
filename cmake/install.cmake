# SPDX-License-Identifier: Apache-2.0
#
# `cmake --install`, so that others write find_package(lowtropy) and link lowtropy::lowtropy.

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lowtropy)

install(TARGETS lowtropy EXPORT lowtropy_targets)
# When it is installed, for which headers they are changes without CMake being configured anew.
install(CODE "
  include(${PROJECT_SOURCE_DIR}/cmake/public-headers.cmake)
  lowtropy_public_headers(headers ${PROJECT_SOURCE_DIR})
  foreach(header \${headers})
    get_filename_component(folder \${header} DIRECTORY)
    file(INSTALL ${PROJECT_SOURCE_DIR}/cpp/\${header}
         DESTINATION \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/\${folder})
  endforeach()
")
install(EXPORT lowtropy_targets NAMESPACE lowtropy:: FILE lowtropy-targets.cmake
        DESTINATION ${package_folder})
configure_package_config_file(
  cmake/lowtropy-config.cmake.in ${PROJECT_BINARY_DIR}/lowtropy-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/lowtropy-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lowtropy-config.cmake
              ${PROJECT_BINARY_DIR}/lowtropy-config-version.cmake
        DESTINATION ${package_folder})
