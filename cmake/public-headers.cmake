# SPDX-License-Identifier: Apache-2.0

cmake_policy(VERSION 3.22)  # for when the script of an installation includes this

# The headers that are for users, in `variable`, relative to cpp/: those that our own users, the bindings,
# include, and what these include in turn. All others, kernels and readers of bytes among them, are our
# own business, and are not installed.
function(lowtropy_public_headers variable source_folder)
  file(GLOB_RECURSE users ${source_folder}/cpp/bindings/*.cc ${source_folder}/cpp/bindings/*.h)
  set(files ${users})
  set(headers)
  while(files)
    list(POP_FRONT files file)
    file(STRINGS ${file} lines REGEX "^#include \"lowtropy/")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" header ${line})
      if(NOT header IN_LIST headers)
        list(APPEND headers ${header})
        list(APPEND files ${source_folder}/cpp/${header})
      endif()
    endforeach()
  endwhile()
  list(SORT headers)
  set(${variable} ${headers} PARENT_SCOPE)
endfunction()
