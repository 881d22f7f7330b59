# SPDX-License-Identifier: Apache-2.0
#
# Installs the library that was built in BUILD_FOLDER, and builds and runs the project beside this
# script with it, all in FOLDER:
#
#   cmake -D BUILD_FOLDER=... -D FOLDER=... -P run.cmake

cmake_policy(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY COMMAND_ECHO STDOUT)
endfunction()

file(REMOVE_RECURSE ${FOLDER})
run(${CMAKE_COMMAND} --install ${BUILD_FOLDER} --prefix ${FOLDER}/installed)

# What is our own business is not there.
file(GLOB_RECURSE headers RELATIVE ${FOLDER}/installed/include ${FOLDER}/installed/include/*)
foreach(header ${headers})
  if(header MATCHES "-inl\\.h$|^lowtropy/json/")
    message(FATAL_ERROR "${header} was installed, which is not for users.")
  endif()
endforeach()

run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR} -B ${FOLDER}/build
    -D CMAKE_PREFIX_PATH=${FOLDER}/installed)
run(${CMAKE_COMMAND} --build ${FOLDER}/build)
run(${FOLDER}/build/consumer)
