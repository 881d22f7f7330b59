// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lowtropy/nn/graph.h"

namespace lowtropy {

// The model file: a safetensors file that holds a whole network, its matrices as they are held in
// memory. FORMAT.md specifies it byte by byte. A network has just one file: equal networks give
// equal bytes, and a file that differs from what WriteModel would write is refused.

inline constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;

// Reads the file of `size` bytes at `bytes`, which must be aligned to 64 bytes, as AllocateBytes
// does. The network's arrays are views into that memory and share its ownership, so that loading
// needs no more memory than the file and its header. Every checksum is verified, every matrix is
// validated and the network went through CheckNetwork: it can be used unchecked.
//
// Throws Error(kFile) that says what is wrong and where, Error(kUnsupported) for a later version of
// the format, and the errors of CheckNetwork.
Network ReadModel(std::shared_ptr<const std::byte> bytes, uint64_t size);

// The exact size of the network's file. Throws as WriteModel does.
uint64_t ModelSize(const Network& network);

// Writes the file to `out`, which has ModelSize(network) bytes, or throws Error(kShape). The
// network's matrices must be valid, as Matrix::From and Matrix::FromArrays make them. Throws the
// errors of CheckNetwork, Error(kValue) when a vector's name is that of a matrix's array, and
// Error(kUnsupported) when the header would be larger than kMaxHeaderBytes.
void WriteModel(const Network& network, std::span<std::byte> out);

}  // namespace lowtropy
