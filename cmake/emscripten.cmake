# SPDX-License-Identifier: Apache-2.0
#
# Toolchain file: finds the emcc that is first on PATH and hands over to the toolchain file that
# came with it. Debian keeps that under /usr/share/emscripten, emsdk beside emcc.

find_program(LOWTROPY_EMCC emcc NO_CMAKE_FIND_ROOT_PATH)
if(NOT LOWTROPY_EMCC)
  message(FATAL_ERROR "emcc is not on PATH: install Debian's package emscripten, or emsdk")
endif()

get_filename_component(_emcc ${LOWTROPY_EMCC} REALPATH)
get_filename_component(_emcc_folder ${_emcc} DIRECTORY)
foreach(_root ${_emcc_folder} /usr/share/emscripten)
  if(EXISTS ${_root}/cmake/Modules/Platform/Emscripten.cmake)
    set(_emscripten_root ${_root})
    break()
  endif()
endforeach()
if(NOT _emscripten_root)
  message(FATAL_ERROR "Emscripten.cmake was found neither beside ${_emcc} nor in "
                      "/usr/share/emscripten")
endif()
include(${_emscripten_root}/cmake/Modules/Platform/Emscripten.cmake)

# Debian's emcc uses packages of Debian's Node.js, which a Node.js from elsewhere does not look for.
if(_emscripten_root STREQUAL /usr/share/emscripten)
  set(CMAKE_CXX_LINKER_LAUNCHER ${CMAKE_COMMAND} -E env NODE_PATH=/usr/share/nodejs)
endif()
