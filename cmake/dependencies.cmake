# SPDX-License-Identifier: Apache-2.0
#
# What the library is built on, Highway and Eigen, and what its tests compare with, nlohmann-json.
# Emscripten sees them through a folder of links, because the folder they are installed in
# (/usr/include) also holds the headers of the machine's own C library, which must not reach a
# WebAssembly compiler.

# Adds an interface library `target` whose include path holds the header `header`.
function(lowtropy_add_headers target header)
  get_filename_component(folder ${header} DIRECTORY)
  find_path(${target}_ROOT ${header} PATHS /usr/include /usr/local/include PATH_SUFFIXES eigen3
            NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  set(root ${${target}_ROOT})
  if(EMSCRIPTEN)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
    file(CREATE_LINK ${root}/${folder} ${PROJECT_BINARY_DIR}/include/${folder} SYMBOLIC)
    set(root ${PROJECT_BINARY_DIR}/include)
  endif()
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${root})
endfunction()

lowtropy_add_headers(lowtropy_eigen Eigen/Core)
lowtropy_add_headers(lowtropy_json nlohmann/json.hpp)

if(EMSCRIPTEN)
  # One instruction set, so no dispatch at run time, so nothing of libhwy is needed.
  lowtropy_add_headers(lowtropy_highway hwy/highway.h)
else()
  find_package(hwy REQUIRED)
  add_library(lowtropy_highway INTERFACE)
  target_link_libraries(lowtropy_highway INTERFACE hwy::hwy)
endif()
