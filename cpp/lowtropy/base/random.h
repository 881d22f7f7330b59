// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lowtropy {

// Random numbers that are the same on every machine, from whole-number arithmetic only:
// xoshiro128** (D. Blackman and S. Vigna, arXiv:1805.01407), seeded by SplitMix64. Its state can be
// saved and restored.
class Random {
 public:
  using State = std::array<uint32_t, 4>;

  // Equal seeds give equal numbers; different `stream`s of a seed are independent.
  explicit Random(uint64_t seed, uint64_t stream = 0) {
    uint64_t mixer = seed + stream * 0xD1342543DE82EF95;
    for (size_t i = 0; i < state_.size(); i += 2) {
      const uint64_t bits = SplitMix(&mixer);
      state_[i] = static_cast<uint32_t>(bits);
      state_[i + 1] = static_cast<uint32_t>(bits >> 32);
    }
  }
  explicit Random(const State& state) : state_(state) {}

  const State& state() const { return state_; }

  // Never inlined: unrolled into its callers, Clang 14 makes vectors of the state's words for
  // WebAssembly SIMD, and loads a word after it was overwritten (v128.load32_splat behind the
  // store).
  [[gnu::noinline]] uint32_t Next() {
    const uint32_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint32_t shifted = state_[1] << 9;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 11);
    return result;
  }

  // Uniform in [0, 1), a multiple of 2^-24, so that it is exact as a float.
  float Uniform() { return static_cast<float>(Next() >> 8) * 0x1p-24F; }

  // Uniform in [low, high).
  float Uniform(float low, float high) { return low + (high - low) * Uniform(); }

  // Nearly normal, mean 0 and variance 1: the sum of twelve uniform numbers, less 6. Never beyond
  // ±6. No logarithm, whose last bit differs between C libraries.
  float Normal() {
    float sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

  // Uniform below `count`, which is at least 1, to within 2^-32 (D. Lemire, arXiv:1805.10941,
  // without the rejection).
  uint32_t Below(uint32_t count) { return static_cast<uint32_t>((uint64_t{Next()} * count) >> 32); }

  // Puts the elements in a random order (Fisher–Yates).
  template <class Container>
  void Shuffle(Container* elements) {
    for (size_t i = elements->size(); i > 1; --i) {
      std::swap((*elements)[i - 1], (*elements)[Below(static_cast<uint32_t>(i))]);
    }
  }

 private:
  static uint32_t Rotate(uint32_t bits, int count) { return bits << count | bits >> (32 - count); }

  static uint64_t SplitMix(uint64_t* state) {
    uint64_t bits = *state += 0x9E3779B97F4A7C15;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
    return bits ^ bits >> 31;
  }

  State state_;
};

}  // namespace lowtropy
