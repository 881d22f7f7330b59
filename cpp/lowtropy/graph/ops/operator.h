// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lowtropy/graph/graph.h"
#include "lowtropy/matrix/kernels/kernels.h"

// What an operator is. All that the library knows of one stands in its row, an Operator, and the
// functions of that row: a pair of files an operator or family, and a line in table.cc. Nothing
// else tells operators apart.
namespace lowtropy {

// ---- Attributes ----

enum class AttributeKind : uint8_t {
  kInteger,
  kIntegers,
  kSigned,   // from -2^31 to 2^31 - 1, held in two's complement
  kSigneds,  // a list of these
  kNumber,
  kFlag,
  kChoice,  // one of the names that its specification lists, held as its position there
  kMatrix,
  kVector
};

constexpr bool HoldsIntegers(AttributeKind kind) {
  return kind != AttributeKind::kNumber && kind != AttributeKind::kMatrix &&
         kind != AttributeKind::kVector;
}

// An attribute of an operator, as in FORMAT.md. Texts have those of a node in the operator's order.
struct AttributeSpec {
  std::string_view name;
  AttributeKind kind;
  uint8_t count = 1;      // of integers in a list, or kAnyCount
  float otherwise = 0;    // the default, of each integer in a list
  bool optional = false;  // left out where it is a vector that there is not, or has its default
  uint8_t version = 1;    // of the model file that had it first, where its operator had not
  std::span<const std::string_view> choices{};
};

// Whether a text of the node leaves it out.
bool IsLeftOut(const AttributeSpec& spec, const Attribute& attribute);

inline constexpr uint8_t kAnyCount = 0;   // up to kMaxRank integers
inline constexpr size_t kMaxVectors = 4;  // of one operator

// ---- Nodes among values ----

// A node and the types of its inputs, which are those of InferTypes.
struct TypedNode {
  const Node& node;
  std::span<const ValueType> inputs;

  const Shape& shape() const { return inputs[0].shape; }
};

// How a node uses its matrix in one run.
struct WeightUse {
  enum class Kind : uint8_t {
    kColumns,  // products with many columns,
    kVector,   // or with one;
    kRows,     // or just looks up rows
  };
  Kind kind;
  uint64_t rows;  // of the matrix
  uint64_t cols;
  uint64_t count = 1;    // columns of each product; 0 where rows are looked up
  uint64_t repeats = 1;  // products, or rows that are looked up
  uint32_t groups = 1;   // of rows, each of which is multiplied on its own
};

// The least and the largest of a vector's values, all of which are finite.
struct Range {
  float least = 0;
  float most = 0;
};

// ---- Planned nodes ----

// How a step can be cut: into `count` parts, of which at least `least` are done at a time. Those
// that may take seconds can: others are one part.
struct Parts {
  size_t count = 1;
  size_t least = 1;
};

// Where a step finds what it works on. Values are as in memory: row-major, int32 and bool (a byte
// each) as well as float32. Inputs are followed by kColumnSlack readable floats.
struct StepData {
  const Node* node = nullptr;
  std::vector<const float*> inputs;
  float* output = nullptr;
  float* scratch = nullptr;
  const Matrix* weight = nullptr;
  const void* constant = nullptr;     // the vector "value" of an operator that is a constant
  float* vector_workspace = nullptr;  // of VectorWorkspace(*weight) floats
  Epilogue epilogue;
};

// What a node does, planned for the shapes of its inputs: the attributes looked up, the sizes of
// everything known.
class Task {
 public:
  // What it asks for, known before anything is allocated.
  struct Costs {
    double work = 0;           // elementary operations, see demand.h
    uint64_t scratch = 0;      // floats, aligned to a cache line
    uint64_t table_bytes = 0;  // of what Prepare makes
    Parts parts;
  };
  explicit Task(const Costs& costs) : costs_(costs) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  const Costs& costs() const { return costs_; }

  // Makes its tables, once what it asks for was granted.
  virtual void Prepare() {}

  // Runs the parts from `begin` to before `end`; those before were run already, with the same data
  // and scratch. What comes out does not depend on how a run is cut. Allocates nothing.
  virtual void Run(const StepData& data, size_t begin, size_t end) const = 0;

  // Of an operator that is last: how many rows along an axis its output has in this run, told as
  // soon as it has run. None where it has all that it was planned for.
  struct Rows {
    size_t axis;
    uint32_t count;
  };
  virtual std::optional<Rows> CountedRows(const StepData&) const { return std::nullopt; }

 private:
  Costs costs_;
};

// ---- The row ----

// What a step can do at the end of its own work, with each value that it stores.
enum class Ending : uint8_t { kNone, kScale, kBounds };

struct Operator {
  std::string_view name;  // as in FORMAT.md
  uint8_t version = 1;    // of the model file that had it first
  std::span<const AttributeSpec> attributes;
  size_t least_inputs = 1;
  size_t most_inputs = 1;
  // The version of the model file from which its inputs may have other elements than float32; those
  // that it takes, `infer` checks. 0 for never.
  uint8_t any_type = 0;
  const void* details = nullptr;  // what the functions of a family want to know of this one

  // Fusion. A node that is an ending goes into the one before it, if that can end so; kScale, which
  // is y · scale[channel] + shift[channel], only into one that has rows of a weight for channels.
  Ending is_ending = Ending::kNone;
  bool takes_scale = false;
  bool takes_bounds = false;
  // It has a vector "bias" for the rows of its weight.
  bool takes_bias = false;
  // It has no inputs, and its vector "value" for its output. What depends on such values alone is
  // worked out once, when a run is planned, and stays in its place.
  bool is_constant = false;
  // Its output is its input as it lies in memory: it takes no step at all.
  bool vanishes = false;
  // Its output may be the graph's, but no other node's input: its size is known in a run alone.
  bool is_last = false;
  // It may write over an input that has as many bytes as the output and that nobody reads later.
  bool overwrites = false;

  // The type of the output. Throws Error(kShape) where inputs or numbers do not fit.
  ValueType (*infer)(const TypedNode& typed) = nullptr;
  // Of those with an attribute "weight", which is a matrix.
  WeightUse (*use)(const TypedNode& typed, const Shape& output) = nullptr;
  // How many values each of its vectors has; of those that have some.
  uint64_t (*vector_size)(const TypedNode& typed) = nullptr;
  // Throws Error(kValue) for numbers that no computation survives. `ranges`: of its vectors, in the
  // order of the attributes; those that it does without are 0.
  void (*check)(const Node& node, std::span<const Range> ranges) = nullptr;
  // Whether its output is its inputs one after the other in memory, so that they can be made there:
  // a run then only copies those that lie elsewhere.
  bool (*joins)(const TypedNode& typed) = nullptr;
  // Of an ending of kind kScale: adds scale and shift of each channel, `bias` (or null) being what
  // was added before.
  void (*scale)(const Node& node, const Network& network, const float* bias,
                std::vector<float>* scale, std::vector<float>* shift) = nullptr;
  // Of an ending of kind kBounds: what values are kept within.
  Bounds (*bounds)(const Node& node) = nullptr;
  // Of all that do not vanish.
  std::unique_ptr<Task> (*plan)(const TypedNode& typed, const Shape& output) = nullptr;
};

// All of them. FindOperator returns null where there is none of that name.
std::span<const Operator* const> Operators();
const Operator* FindOperator(std::string_view name);

// ---- What families share ----

// A value as images, or as channels in general: `count` times `each`. One sample has 1 or 3
// dimensions, the first of which are its channels; all others begin with the batch.
struct ImageBatch {
  uint64_t count;
  ImageShape each;
};

// The first axis of one sample: of its channels.
inline size_t ChannelAxis(const Shape& shape) {
  return shape.rank() <= 1 || shape.rank() == 3 ? 0 : 1;
}

// Of any shape, whose pixels are then one row.
struct Channels {
  uint64_t count;  // how often there are
  uint64_t channels;
  uint64_t pixels;
  bool operator==(const Channels&) const = default;
};
Channels ChannelsOf(const Shape& shape);
Channels ChannelsAlong(const Shape& shape, size_t axis);

// The axis of a value of that rank that is meant: negative ones count from the end. Throws
// Error(kShape) where there is none.
size_t AxisOf(const Node& node, int32_t axis, size_t rank);

// The attribute "axis" of those that had none at first, where it stands for the channels.
inline constexpr AttributeSpec kLaterAxis{"axis", AttributeKind::kSigned, 1, kMaxRank, true, 5};
size_t AxisOrChannels(const Node& node, const Shape& shape);

// Throws Error(kShape) unless the first input has 3 or 4 dimensions.
ImageBatch ImagesOf(const TypedNode& typed);

// As many images as there are in the first input.
ValueType ImagesLike(const TypedNode& typed, const ImageShape& each);

// A window from the attributes kernel, stride, pad and, where there is one, dilation.
struct Window {
  std::array<uint32_t, 2> kernel{1, 1};  // vertical, horizontal
  std::array<uint32_t, 2> stride{1, 1};
  std::array<uint32_t, 2> dilation{1, 1};
  std::array<uint32_t, 4> pad{0, 0, 0, 0};  // top, left, bottom, right
  bool operator==(const Window&) const = default;
};
Window WindowOf(const Node& node);

// Throws Error(kShape) unless the attribute outChannels is at least 1.
void CheckOutChannels(const Node& node);

// Throws Error(kShape) unless all are from `least` to kMaxWindow.
inline constexpr uint32_t kMaxWindow = 65535;
void CheckWindowRange(const Node& node, std::string_view what, std::span<const uint32_t> values,
                      uint32_t least);

// What a step without products takes: two operations a float of its inputs.
double LightWork(const TypedNode& typed);

}  // namespace lowtropy
