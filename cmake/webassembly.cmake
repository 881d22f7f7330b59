# SPDX-License-Identifier: Apache-2.0
#
# The module that the npm package ships: dist/lowtropy.js and dist/lowtropy.wasm.

if(EMSCRIPTEN_VERSION VERSION_LESS 3.1.30)
  set(embind --bind)
  set(stack_size -sTOTAL_STACK=1MB)
  # Its code for Node.js does not run in an ES module; without it the module loads there too, as
  # long as it is handed the bytes.
  set(environments web,worker)
else()
  set(embind -lembind)
  set(stack_size -sSTACK_SIZE=1MB)
  set(environments web,worker,node)
endif()

# A page downloads this: all is built for size (485 KB became 383 KB) but what runs for every value.
target_compile_options(lowtropy_flags INTERFACE -Os)
set(hot_sources base/crc32.cc formats/kernels.cc formats/shifted_kernels.cc formats/value_table.cc
    nn/convolution.cc nn/operators.cc)
list(TRANSFORM hot_sources PREPEND ${PROJECT_SOURCE_DIR}/cpp/lowtropy/)
set_source_files_properties(${hot_sources} PROPERTIES COMPILE_OPTIONS -O3)

# A failed allocation throws std::bad_alloc instead of ending the instance, and the heap grows to
# all that 32 bits address.
set(memory_flags -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB -sABORTING_MALLOC=0 ${stack_size})

file(GLOB binding_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/bindings/*.cc)
if(binding_sources)
  add_executable(lowtropy_module ${binding_sources})
  target_link_libraries(lowtropy_module PRIVATE lowtropy lowtropy_flags)
  target_link_options(
    lowtropy_module PRIVATE ${embind} ${memory_flags} -sMODULARIZE -sEXPORT_ES6
    -sENVIRONMENT=${environments} -sFILESYSTEM=0 -sDYNAMIC_EXECUTION=0 -sMALLOC=emmalloc)
  set_target_properties(lowtropy_module PROPERTIES OUTPUT_NAME lowtropy
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/dist)
  # What the module exports, in TypeScript's words: lowtropy.d.ts, for it stands beside lowtropy.js.
  file(GLOB binding_types CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cpp/bindings/*.d.ts)
  foreach(types ${binding_types})
    set_property(TARGET lowtropy_module APPEND PROPERTY LINK_DEPENDS ${types})
    add_custom_command(TARGET lowtropy_module POST_BUILD COMMAND ${CMAKE_COMMAND} -E copy ${types}
                       ${PROJECT_SOURCE_DIR}/dist VERBATIM)
  endforeach()
endif()
