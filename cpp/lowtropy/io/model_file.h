// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/graph/graph.h"
#include "lowtropy/run/demand.h"

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
// the format, the errors of CheckNetwork, and Error(kLimit) where the network asks for more than
// `limits` allow: of that nothing is allocated, nor are the arrays looked at.
Network ReadModel(const std::shared_ptr<const std::byte>& bytes, uint64_t size,
                  const Limits& limits = {});

// Reads a file that arrives piece by piece, straight into its place: each array has memory of its
// own, so that a file may be larger than the largest piece of memory (2 GB where pointers have 32
// bits), and nothing is copied. Checks all that ReadModel does, each as soon as it can be.
//
//   ModelLoader loader;
//   while (bytes arrive) {          // until Space() is empty or they end
//     copy some of them to loader.Space();
//     loader.Advance(how many);
//   }
//   Network network = loader.Finish();
//
// After an error it can only be destroyed.
class ModelLoader {
 public:
  // `file_size`: in bytes, where it is known; what does not fit it is then refused early.
  explicit ModelLoader(std::optional<uint64_t> file_size = std::nullopt, const Limits& limits = {});
  ~ModelLoader();

  // Where the next bytes of the file belong; empty when it is complete. Valid until Advance.
  std::span<std::byte> Space();

  // That many bytes of Space() are there now. Memory for all arrays is allocated when the header is
  // complete. Throws the errors of ReadModel; Error(kFile) for more bytes than Space() has, which
  // are more than the file should have where it is empty; Error(kMemory) where there is not enough.
  void Advance(size_t bytes);

  // In bytes: what the header tells once it is complete, before that what is known.
  std::optional<uint64_t> FileSize() const;

  // When all bytes are there: checks one more of the matrices, which Finish does of those that are
  // left. Returns whether there are more. Throws as Finish does.
  bool BuildNext();

  // When all bytes are there; just once. Throws the errors of ReadModel, and Error(kFile) if bytes
  // are missing.
  Network Finish();

  const Limits& limits() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

// The network's file in pieces that need no memory for the whole: the header, and the network's
// arrays themselves, which it shares.
class ModelWriter {
 public:
  // Throws the errors of WriteModel.
  explicit ModelWriter(const Network& network);

  uint64_t size() const { return size_; }
  // The file is pieces 0 to piece_count() - 1, one after the other.
  size_t piece_count() const { return arrays_.size() + 1; }
  std::span<const std::byte> Piece(size_t index) const;

 private:
  std::string header_;
  std::vector<Array> arrays_;
  uint64_t size_ = 0;
};

// The exact size of the network's file. Throws as WriteModel does.
uint64_t ModelSize(const Network& network);

// Writes the file to `out`, which has ModelSize(network) bytes, or throws Error(kShape). The
// network's matrices must be valid, as Matrix::From and Matrix::FromArrays make them. Throws the
// errors of CheckNetwork, Error(kValue) when a vector's name is that of a matrix's array, and
// Error(kUnsupported) when the header would be larger than kMaxHeaderBytes.
void WriteModel(const Network& network, std::span<std::byte> out);

}  // namespace lowtropy
