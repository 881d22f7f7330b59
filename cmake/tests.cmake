# SPDX-License-Identifier: Apache-2.0
#
# Google Test, one executable, which is a test of ctest's in a few parts natively, and in one as
# WebAssembly: a process for each of 500 tests would take longer to start than most take to run.

set(test_folder ${PROJECT_SOURCE_DIR}/tests)

if(EMSCRIPTEN)
  # Google Test has no WebAssembly binary in Debian, but its source is in package googletest.
  set(LOWTROPY_GTEST_SOURCE /usr/src/googletest/googletest CACHE PATH "Source of Google Test")
  set(INSTALL_GTEST OFF)
  set(gtest_disable_pthreads ON)
  add_subdirectory(${LOWTROPY_GTEST_SOURCE} ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  target_compile_options(gtest PRIVATE -fwasm-exceptions)
  target_compile_options(gtest_main PRIVATE -fwasm-exceptions)
else()
  find_package(GTest REQUIRED)
endif()

file(GLOB test_sources CONFIGURE_DEPENDS ${test_folder}/cpp/*_test.cc)
if(test_sources)
  add_executable(lowtropy_tests ${test_sources})
  target_link_libraries(lowtropy_tests PRIVATE lowtropy lowtropy_flags lowtropy_json
                                               GTest::gtest_main)
  target_compile_definitions(lowtropy_tests PRIVATE LOWTROPY_TEST_FOLDER="${test_folder}")
  # Most of a test's compilation would be reading these.
  target_precompile_headers(lowtropy_tests PRIVATE <gtest/gtest.h> <algorithm> <cmath> <functional>
                            <map> <random> <string> <vector>)
  if(EMSCRIPTEN)
    target_compile_options(lowtropy_tests PRIVATE -Os)  # compiled more often than run
    target_link_options(lowtropy_tests PRIVATE ${memory_flags} -sNODERAWFS -sEXIT_RUNTIME
                        -sENVIRONMENT=node)
    # The program is no ES module, whatever the package around it says.
    file(WRITE ${PROJECT_BINARY_DIR}/package.json "{ \"type\": \"commonjs\" }\n")
    # Emscripten 3.1.6 takes a Node.js that has fetch for a browser.
    find_program(LOWTROPY_NODE node NO_CMAKE_FIND_ROOT_PATH REQUIRED)
    add_test(NAME lowtropy_tests COMMAND ${LOWTROPY_NODE} --no-experimental-fetch
                                         $<TARGET_FILE:lowtropy_tests> --gtest_brief=1)
  else()
    target_compile_options(lowtropy_tests PRIVATE -O1)  # compiled more often than run
    set(shards 4)
    math(EXPR last_shard "${shards} - 1")
    foreach(shard RANGE ${last_shard})
      add_test(NAME lowtropy_tests.${shard} COMMAND lowtropy_tests --gtest_brief=1)
      set_tests_properties(
        lowtropy_tests.${shard} PROPERTIES
        TIMEOUT 1200 ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${shard}")
    endforeach()
  endif()
endif()

# Each x_fuzzer.cc has its corpus in corpus/x. The tests go once through the corpora, which hold
# the inputs that once failed; scripts/fuzz.js looks for new ones.
if(LOWTROPY_FUZZERS)
  file(GLOB fuzzer_sources CONFIGURE_DEPENDS ${test_folder}/fuzz/*_fuzzer.cc)
  foreach(source ${fuzzer_sources})
    get_filename_component(fuzzer ${source} NAME_WE)
    string(REGEX REPLACE "_fuzzer$" "" subject ${fuzzer})
    add_executable(${fuzzer} ${source})
    target_link_libraries(${fuzzer} PRIVATE lowtropy lowtropy_flags lowtropy_json)
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    add_test(NAME corpus.${subject} COMMAND ${fuzzer} -runs=0 ${test_folder}/fuzz/corpus/${subject})
  endforeach()
endif()

# The library as others use it; once, for sanitizers are ours.
if(NOT EMSCRIPTEN AND NOT LOWTROPY_SANITIZERS)
  add_test(NAME install
           COMMAND ${CMAKE_COMMAND} -D BUILD_FOLDER=${PROJECT_BINARY_DIR}
                   -D FOLDER=${PROJECT_BINARY_DIR}/install-test -P ${test_folder}/install/run.cmake)
endif()
