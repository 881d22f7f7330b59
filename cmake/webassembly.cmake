# SPDX-License-Identifier: Apache-2.0
#
# The modules that the npm package ships: lowtropy, which runs networks, and lowtropy-training, which
# compresses updates and trains. Two, because most pages need just the first.

if(EMSCRIPTEN_VERSION VERSION_LESS 3.1.30)
  set(embind --bind)
  set(stack_size -sTOTAL_STACK=1MB)
else()
  set(embind -lembind)
  set(stack_size -sSTACK_SIZE=1MB)
endif()

# web/lib hands the loaders what they instantiate, so they need to know neither where they run nor where
# they are. The code for the web alone asks for the least: that for workers reads self.location, which edge
# runtimes and test environments lack, that for Node.js imports its modules, and import.meta is undefined
# in what bundlers make a script of.
set(place_flags -sENVIRONMENT=web -sUSE_ES6_IMPORT_META=0)

# Node.js comes with Emscripten, and is what puts the WebAssembly into a module of JavaScript.
find_program(NODE_EXECUTABLE NAMES node nodejs REQUIRED)

# A page downloads this: all is built for size (485 KB became 383 KB) but what runs for every value.
# Hot sources must not see -Oz or -Os at all: em++ also makes -fno-inline-functions of it, which a later
# -O3 does not undo, and lambdas in loops become calls: Eigen's products a hundred times slower,
# unpacking weights four times. The plain ones have no such loops, and are smaller for it.
set(plain_hot_sources
    base/crc32.cc graph/ops/broadcast.cc graph/ops/convolution.cc graph/ops/direct.cc graph/ops/elementwise.cc
    graph/ops/image_kernels.cc graph/ops/product.cc graph/ops/reduce.cc
    graph/ops/row_kernels.cc graph/ops/unary_kernels.cc matrix/value_table.cc)
set(inlined_hot_sources
    coding/golomb_rice.cc compress/prune.cc compress/quantize.cc graph/ops/cells.cc
    graph/ops/sequence.cc
    learn/layers/batch_norm.cc
    learn/layers/convolution_layer.cc learn/layers/elementwise.cc learn/layers/gemm.cc
    learn/layers/loss.cc learn/layers/pooling.cc learn/layers/recurrent.cc learn/optimizer.cc
    matrix/kernels/kernels.cc updates/collect.cc updates/compressor.cc updates/extremes.cc
    updates/message_reader.cc updates/message_writer.cc updates/methods/binary.cc
    updates/methods/floats.cc updates/methods/qsgd.cc updates/methods/signsgd.cc
    updates/methods/terngrad.cc updates/methods/topk.cc updates/select.cc)
list(TRANSFORM plain_hot_sources PREPEND ${PROJECT_SOURCE_DIR}/cpp/lowtropy/)
list(TRANSFORM inlined_hot_sources PREPEND ${PROJECT_SOURCE_DIR}/cpp/lowtropy/)
set(cold_sources ${library_sources})
list(REMOVE_ITEM cold_sources ${plain_hot_sources} ${inlined_hot_sources})
set_source_files_properties(${cold_sources} PROPERTIES COMPILE_OPTIONS -Oz)

# Eigen has kernels for SSE, which Emscripten's headers translate, and none for WebAssembly: 24 to 33
# GFLOP/s instead of 14 to 20. Eigen 3.4 must not find the header of MMX, which it does not need, and
# works around errors of GCC before 6.3 and from 6.0 on with x86 assembly: 5.13 passes both tests.
set_source_files_properties(
  ${PROJECT_SOURCE_DIR}/cpp/lowtropy/learn/layers/gemm.cc
  PROPERTIES COMPILE_OPTIONS "-msse2;-fgnuc-version=5.13;-D__MMINTRIN_H")
set_source_files_properties(${plain_hot_sources} PROPERTIES COMPILE_OPTIONS -fno-inline-functions)
# An LSTM takes 1.8 times as long with -Os; unrolling its loops makes no difference but of 1 KB.
set_source_files_properties(
  ${PROJECT_SOURCE_DIR}/cpp/lowtropy/graph/ops/cells.cc
  ${PROJECT_SOURCE_DIR}/cpp/lowtropy/graph/ops/sequence.cc
  PROPERTIES COMPILE_OPTIONS -fno-unroll-loops)

# Binaryen would inline every function that has one caller, so also the loops of the kernels, which
# V8 then no longer keeps in registers: they become up to twice as slow.
set(inline_flags -sBINARYEN_EXTRA_PASSES=--one-caller-inline-max-function-size=1)

# A failed allocation throws std::bad_alloc instead of ending the instance, and the heap grows to
# all that 32 bits address; each time by at least 5 %, not 20, so that little of it lies idle. Engines
# reserve the addresses beforehand, so that growing moves nothing.
set(memory_flags -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB -sMEMORY_GROWTH_GEOMETRIC_STEP=0.05
    -sABORTING_MALLOC=0 ${stack_size})

# dlmalloc, which takes 6 KB more than emmalloc: near 4 GB that one's test whether a block fits wraps in
# 32 bits, and it hands out what belongs to others.

# Binaryen's passes for size after em++'s for speed: 8 KB less, and nothing slower. (em++ -Os or -Oz when
# linking saves 12 and 22 KB, and products with several columns take up to eight times as long.)
find_program(WASM_OPT_EXECUTABLE wasm-opt HINTS ${EMSCRIPTEN_ROOT_PATH}/../bin REQUIRED)
# The first KB of the memory is nobody's: constants begin behind it.
set(wasm_opt_flags --low-memory-unused --enable-simd --enable-exception-handling --enable-sign-ext
                   --enable-mutable-globals --enable-nontrapping-float-to-int --enable-bulk-memory)

# One of the modules that the npm package ships, dist/NAME.js and dist/NAME.wasm, from the bindings
# in cpp/bindings/common and in the folder of that name. What it exports, in TypeScript's words, is
# FOLDER/NAME.d.ts, which is copied, for it must stand beside NAME.js. dist/NAME.binary.js is NAME.wasm
# once more, as JavaScript. dist/lowtropy.formats.js has the names of the matrix formats,
# dist/lowtropy-training.methods.js those of the update methods.
# Further arguments are Binaryen's.
function(lowtropy_add_module target name folder)
  set(bindings ${PROJECT_SOURCE_DIR}/cpp/bindings)
  file(GLOB sources CONFIGURE_DEPENDS ${bindings}/common/*.cc ${bindings}/${folder}/*.cc)
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE ${bindings})
  # malloc throws here (common/heap.cc), which the compiler rules out where it knows malloc.
  target_compile_options(${target} PRIVATE -Oz -fno-builtin-malloc)
  target_link_libraries(${target} PRIVATE lowtropy lowtropy_flags)
  target_link_options(
    ${target} PRIVATE ${embind} ${memory_flags} ${inline_flags} ${place_flags} -sMODULARIZE
    -sEXPORT_ES6 -sFILESYSTEM=0 -sDYNAMIC_EXECUTION=0 -sMALLOC=dlmalloc)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/dist)
  set(types ${bindings}/${folder}/${name}.d.ts)
  set(wasm ${PROJECT_SOURCE_DIR}/dist/${name}.wasm)
  set(embed ${PROJECT_SOURCE_DIR}/scripts/build/embed.js)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${types} ${embed})
  add_custom_command(TARGET ${target} POST_BUILD
                     COMMAND ${WASM_OPT_EXECUTABLE} -Oz ${ARGN} ${wasm_opt_flags} ${wasm} -o ${wasm}
                     COMMAND ${CMAKE_COMMAND} -E copy ${types} ${PROJECT_SOURCE_DIR}/dist
                     COMMAND ${NODE_EXECUTABLE} ${embed} ${PROJECT_SOURCE_DIR}/dist/${name}
                     VERBATIM)
endfunction()

lowtropy_add_module(lowtropy_module lowtropy inference)
# Binaryen inlines functions of up to 20 bytes wherever they are called. 16 makes the module 33 KB
# smaller (418 KB became 385 KB) and nothing slower; at 12 palette's products with a vector take four
# times as long.
target_link_options(
  lowtropy_module PRIVATE -sBINARYEN_EXTRA_PASSES=--flexible-inline-max-function-size=16)
set(formats ${PROJECT_SOURCE_DIR}/scripts/build/formats.js)
set_property(TARGET lowtropy_module APPEND PROPERTY LINK_DEPENDS ${formats})
add_custom_command(TARGET lowtropy_module POST_BUILD
                   COMMAND ${NODE_EXECUTABLE} ${formats} ${PROJECT_SOURCE_DIR}/dist/lowtropy
                   VERBATIM)
lowtropy_add_module(lowtropy_training_module lowtropy-training training
                    --one-caller-inline-max-function-size=1)
set(methods ${PROJECT_SOURCE_DIR}/scripts/build/methods.js)
set_property(TARGET lowtropy_training_module APPEND PROPERTY LINK_DEPENDS ${methods})
add_custom_command(
  TARGET lowtropy_training_module POST_BUILD
  COMMAND ${NODE_EXECUTABLE} ${methods} ${PROJECT_SOURCE_DIR}/dist/lowtropy-training
  VERBATIM)
add_custom_target(lowtropy_modules DEPENDS lowtropy_module lowtropy_training_module)
