// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lowtropy {

// Where the channels of a picture are among the dimensions of an input.
enum class PictureLayout : uint8_t { kChannelsFirst, kChannelsLast };
inline constexpr std::string_view kPictureLayoutNames[] = {"NCHW", "NHWC"};

// Of the channels.
enum class PictureOrder : uint8_t { kBgr, kRgb, kGray };
inline constexpr std::string_view kPictureOrderNames[] = {"BGR", "RGB", "gray"};

// How a picture of another size comes to fill the input: its middle; the whole of it in the middle,
// or in the upper left corner, of an even ground; or drawn out of proportion.
enum class PictureFit : uint8_t { kCrop, kContain, kCorner, kStretch };
inline constexpr std::string_view kPictureFitNames[] = {"crop", "contain", "corner", "stretch"};

// How a network's first input is made of a picture: from a pixel of 0 to 255 comes (pixel - mean)
// · scale / std. The engine leaves this to whoever has pictures.
struct PictureInput {
  PictureLayout layout = PictureLayout::kChannelsFirst;
  PictureOrder order = PictureOrder::kRgb;
  std::array<float, 3> mean = {};        // of each channel, in their order; of gray the first alone
  std::array<float, 3> std = {1, 1, 1};  // likewise, above 0
  float scale = 1;
  PictureFit fit = PictureFit::kCrop;
  uint32_t side = 0;  // of a crop: what the shorter side is scaled to before, 0 for the usual
  float fill = 0;     // of contain and corner: what the ground is, from 0 to 255
  size_t channels() const { return order == PictureOrder::kGray ? 1 : 3; }
  bool operator==(const PictureInput&) const = default;
};

inline constexpr uint32_t kMaxPictureSide = 65535;
inline constexpr size_t kMaxLabels = size_t{1} << 20;

// What a network says of itself to those who show it: nothing that is computed depends on it.
struct Notes {
  std::optional<PictureInput> picture;
  std::vector<std::string> labels;  // names of the classes that the first output counts
  bool empty() const { return !picture && labels.empty(); }
  bool operator==(const Notes&) const = default;
};

}  // namespace lowtropy
