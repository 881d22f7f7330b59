// SPDX-License-Identifier: Apache-2.0
// slice, expand, tile, pad, concat, depthToSpace, spaceToDepth, gather and scatter: values of all
// types and ranks, against arithmetic of indices; constants of all types.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "forged_model.h"
#include "nodes.h"

namespace lowtropy {
namespace {

using Integers = std::vector<int32_t>;

Shape Signed(const Integers& values) {
  Shape shape;
  for (const int32_t value : values) shape.Append(static_cast<uint32_t>(value));
  return shape;
}

// Any values of a type, which differ as far as they can.
template <class T>
std::vector<T> Counting(const Shape& shape) {
  std::vector<T> values(static_cast<size_t>(shape.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<T>(std::is_same_v<T, uint8_t> ? i % 3 % 2 : i);
  }
  return values;
}

// Checks that each element of what the node makes is the input's at where(indices), or `fill` where
// that is empty.
template <class T, class F>
void CheckMoves(const Node& node, const Shape& shape, const Shape& expected, const F& where,
                T fill = 0) {
  const std::vector<T> x = Counting<T>(shape);
  Shape output;
  const std::vector<T> y = RunNode<T>(node, {{shape, x}}, &output);
  ASSERT_EQ(output, expected);
  for (size_t i = 0; i < y.size(); ++i) {
    bool inside = true;
    const std::vector<uint32_t> indices = where(IndicesOf(output, i), &inside);
    ASSERT_EQ(y[i], inside ? x[PlaceOf(shape, indices)] : fill) << i;
  }
}

// ---- slice ----

// As ONNX has it, one step after the other.
std::vector<uint32_t> Sliced(int64_t start, int64_t end, int64_t step, int64_t dim) {
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  start = std::clamp<int64_t>(start, 0, step > 0 ? dim : dim - 1);
  end = std::clamp<int64_t>(end, step > 0 ? 0 : -1, step > 0 ? dim : dim - 1);
  std::vector<uint32_t> all;
  for (int64_t at = start; step > 0 ? at < end : at > end; at += step) {
    all.push_back(static_cast<uint32_t>(at));
  }
  return all;
}

int32_t DrawBound(std::mt19937& random) {
  const uint32_t kind = random() % 10;
  if (kind == 0) return std::numeric_limits<int32_t>::max();
  if (kind == 1) return std::numeric_limits<int32_t>::min();
  return static_cast<int32_t>(random() % 15) - 7;
}

template <class T>
void CheckSlice(unsigned seed) {
  std::mt19937 random(seed);
  const Shape shape = RandomShape(random, kMaxRank);
  std::vector<std::vector<uint32_t>> places(shape.rank());
  Integers starts, ends, axes, steps;
  Shape expected = shape;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    places[axis] = Sliced(0, shape[axis], 1, shape[axis]);
    if (random() % 2 == 0) continue;
    for (int attempt = 0; attempt < 20; ++attempt) {
      const int32_t start = DrawBound(random);
      const int32_t end = DrawBound(random);
      const int32_t step = static_cast<int32_t>(random() % 3 + 1) * (random() % 2 == 0 ? 1 : -1);
      const std::vector<uint32_t> drawn = Sliced(start, end, step, shape[axis]);
      if (drawn.empty()) continue;
      places[axis] = drawn;
      starts.push_back(start);
      ends.push_back(end);
      steps.push_back(step);
      axes.push_back(static_cast<int32_t>(axis) -
                     (random() % 2 == 0 ? static_cast<int32_t>(shape.rank()) : 0));
      break;
    }
    expected[axis] = static_cast<uint32_t>(places[axis].size());
  }
  Node node = MakeNode("slice", "y", {});
  node["starts"].integers = Signed(starts);
  node["ends"].integers = Signed(ends);
  node["axes"].integers = Signed(axes);
  node["steps"].integers = Signed(steps);
  CheckMoves<T>(node, shape, expected, [&](std::vector<uint32_t> indices, bool*) {
    for (size_t axis = 0; axis < indices.size(); ++axis)
      indices[axis] = places[axis][indices[axis]];
    return indices;
  });
}

TEST(MovementTest, Slice) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckSlice<float>(seed);
    CheckSlice<int32_t>(seed);
    CheckSlice<uint8_t>(seed);
  }
}

// ---- expand and tile ----

TEST(MovementTest, Expand) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Shape whole = RandomShape(random, kMaxRank);
    const Shape shape = Narrower(random, whole);
    Node node = MakeNode("expand", "y", {});
    node["shape"].integers = whole;
    CheckMoves<uint8_t>(node, shape, whole, [&](std::vector<uint32_t> indices, bool*) {
      indices.erase(indices.begin(), indices.end() - static_cast<std::ptrdiff_t>(shape.rank()));
      for (size_t i = 0; i < indices.size(); ++i) indices[i] %= shape[i];
      return indices;
    });
  }
}

TEST(MovementTest, ExpandToAnotherValue) {
  Shape shape;
  const std::vector<float> y = RunNode<float>(
      MakeNode("expand", "y", {}),
      {{{2, 1}, std::vector<float>{1, 2}}, {{3}, std::vector<uint8_t>{0, 0, 0}}}, &shape);
  EXPECT_EQ(shape, (Shape{2, 3}));
  EXPECT_EQ(y, (std::vector<float>{1, 1, 1, 2, 2, 2}));
}

TEST(MovementTest, Tile) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Shape shape = RandomShape(random, kMaxRank);
    Shape repeats;
    Shape expected = shape;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      repeats.Append(1 + random() % 2);
      expected[axis] *= repeats[axis];
    }
    Node node = MakeNode("tile", "y", {});
    node["repeats"].integers = repeats;
    CheckMoves<int32_t>(node, shape, expected, [&](std::vector<uint32_t> indices, bool*) {
      for (size_t i = 0; i < indices.size(); ++i) indices[i] %= shape[i];
      return indices;
    });
  }
}

// ---- pad ----

// One reflection or wrap after the other, until it is inside.
int64_t PadSource(uint32_t mode, int64_t at, int64_t dim) {
  while (at < 0 || at >= dim) {
    if (mode == 0) return -1;
    if (mode == 1) at = dim == 1 ? 0 : at < 0 ? -at : 2 * (dim - 1) - at;
    if (mode == 2) at = at < 0 ? 0 : dim - 1;
    if (mode == 3) at += at < 0 ? dim : -dim;
  }
  return at;
}

template <class T>
void CheckPad(unsigned seed) {
  std::mt19937 random(seed);
  const Shape shape = RandomShape(random, 5);
  const uint32_t mode = random() % 4;
  Integers before;
  Integers after;
  Shape expected = shape;
  // Last axes that nothing is added to move as a whole.
  const size_t padded = random() % 2 == 0 ? shape.rank() : random() % (shape.rank() + 1);
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    before.push_back(axis < padded ? static_cast<int32_t>(random() % 7) - 2 : 0);
    after.push_back(axis < padded ? static_cast<int32_t>(random() % 7) - 2 : 0);
    const int32_t size = static_cast<int32_t>(shape[axis]) + before.back() + after.back();
    if (size < 1) after.back() += 1 - size;
    expected[axis] = static_cast<uint32_t>(std::max(size, 1));
  }
  Node node = MakeNode("pad", "y", {});
  node["before"].integers = Signed(before);
  node["after"].integers = Signed(after);
  node["mode"].integers = {mode};
  node["value"].number = 1;
  CheckMoves<T>(
      node, shape, expected,
      [&](std::vector<uint32_t> indices, bool* inside) {
        for (size_t i = 0; i < indices.size(); ++i) {
          const int64_t source = PadSource(mode, int64_t{indices[i]} - before[i], shape[i]);
          *inside = *inside && source >= 0;
          indices[i] = static_cast<uint32_t>(std::max<int64_t>(source, 0));
        }
        return indices;
      },
      T{1});
}

TEST(MovementTest, Pad) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckPad<float>(seed);
    CheckPad<int32_t>(seed);
    CheckPad<uint8_t>(seed);
  }
}

// ---- concat ----

template <class T>
void CheckConcat(unsigned seed) {
  std::mt19937 random(seed);
  Shape shape = RandomShape(random, kMaxRank);
  if (shape.rank() == 0) shape.Append(3);
  const size_t axis = random() % shape.rank();
  std::vector<Given> given;
  std::vector<std::vector<T>> values;
  std::vector<Shape> shapes;
  const size_t count = 1 + random() % 3;
  for (size_t k = 0; k < count; ++k) {
    shapes.push_back(shape);
    shapes.back()[axis] = static_cast<uint32_t>(1 + random() % 4);
    values.push_back(Counting<T>(shapes.back()));
    given.emplace_back(shapes.back(), values.back());
  }
  Node node = MakeNode("concat", "y", {});
  const int32_t negative = static_cast<int32_t>(axis) - static_cast<int32_t>(shape.rank());
  node["axis"].integers = Signed({random() % 2 == 0 ? negative : static_cast<int32_t>(axis)});
  Shape output;
  const std::vector<T> y = RunNode<T>(node, given, &output);
  for (size_t i = 0; i < y.size(); ++i) {
    std::vector<uint32_t> indices = IndicesOf(output, i);
    size_t k = 0;
    for (; indices[axis] >= shapes[k][axis]; ++k) indices[axis] -= shapes[k][axis];
    ASSERT_EQ(y[i], values[k][PlaceOf(shapes[k], indices)]) << i;
  }
}

TEST(MovementTest, ConcatAlongAnyAxis) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckConcat<float>(seed);
    CheckConcat<int32_t>(seed);
    CheckConcat<uint8_t>(seed);
  }
}

// Both lie one after the other in memory, but the second does not go on along the first one's axis.
TEST(MovementTest, ConcatsOfTheSameValuesAlongDifferentAxes) {
  Node rows = MakeNode("concat", "rows", {"a", "b"});
  rows["axis"].integers = Signed({0});
  Node row = MakeNode("concat", "row", {"a", "b", "a"});
  row["axis"].integers = Signed({1});
  const ValueType type{ElementType::kFloat32, {1, 2}};
  Executor executor(MakeNetwork({{"a", type, {}}, {"b", type, {}}}, {rows, row}, {"rows", "row"}));
  Fill(executor, 0, std::vector<float>{1, 2});
  Fill(executor, 1, std::vector<float>{3, 4});
  RunAll(executor);
  EXPECT_EQ(OutputOf<float>(executor, 0), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(OutputOf<float>(executor, 1), (std::vector<float>{1, 2, 3, 4, 1, 2}));
}

TEST(MovementTest, ConcatOfBoolsThatAreMade) {
  Node node = MakeNode("concat", "y", {"p", "q"});
  node["axis"].integers = Signed({0});
  Executor executor(
      MakeNetwork({{"a", {ElementType::kBool, {3}}, {}}, {"b", {ElementType::kBool, {2}}, {}}},
                  {MakeNode("not", "p", {"a"}), MakeNode("not", "q", {"b"}), node}, {"y"}));
  Fill(executor, 0, std::vector<uint8_t>{1, 0, 1});
  Fill(executor, 1, std::vector<uint8_t>{0, 1});
  RunAll(executor);
  EXPECT_EQ(OutputOf<uint8_t>(executor, 0), (std::vector<uint8_t>{0, 1, 0, 1, 0}));
}

// ---- depthToSpace and spaceToDepth ----

TEST(MovementTest, DepthToSpace) {
  const Shape shape{2, 12, 2, 3};
  for (const uint32_t order : {0U, 1U}) {
    Node node = MakeNode("depthToSpace", "y", {});
    node["order"].integers = {order};
    CheckMoves<float>(node, shape, {2, 3, 4, 6}, [&](const std::vector<uint32_t>& at, bool*) {
      const uint32_t block = at[2] % 2 * 2 + at[3] % 2;
      const uint32_t channel = order == 0 ? block * 3 + at[1] : at[1] * 4 + block;
      return std::vector<uint32_t>{at[0], channel, at[2] / 2, at[3] / 2};
    });
  }
}

TEST(MovementTest, SpaceToDepth) {
  Node node = MakeNode("spaceToDepth", "y", {});
  node["block"].integers = {3};
  CheckMoves<
      uint8_t>(node, {2, 2, 6, 3}, {2, 18, 2, 1}, [&](const std::vector<uint32_t>& at, bool*) {
    const uint32_t block = at[1] / 2;
    return std::vector<uint32_t>{at[0], at[1] % 2, at[2] * 3 + block / 3, at[3] * 3 + block % 3};
  });
}

// ---- gather and scatter ----

Integers DrawIndices(std::mt19937& random, const Shape& shape, uint32_t dim) {
  Integers indices(static_cast<size_t>(shape.size()));
  for (int32_t& index : indices) {
    index = static_cast<int32_t>(random() % (2 * dim)) - static_cast<int32_t>(dim);
  }
  return indices;
}

uint32_t Wrapped(int32_t index, uint32_t dim) {
  return index < 0 ? static_cast<uint32_t>(index + static_cast<int32_t>(dim))
                   : static_cast<uint32_t>(index);
}

template <class T>
void CheckGather(unsigned seed) {
  std::mt19937 random(seed);
  Shape data = RandomShape(random, 4);
  if (data.rank() == 0) data.Append(3);
  const Shape shape = RandomShape(random, 3);
  const size_t axis = random() % data.rank();
  const Integers indices = DrawIndices(random, shape, data[axis]);
  const std::vector<T> x = Counting<T>(data);
  Node node = MakeNode("gather", "y", {});
  node["axis"].integers = Signed({static_cast<int32_t>(axis)});
  Shape output;
  const std::vector<T> y = RunNode<T>(node, {{data, x}, {shape, indices}}, &output);
  ASSERT_EQ(output.rank(), data.rank() + shape.rank() - 1);
  for (size_t i = 0; i < y.size(); ++i) {
    const std::vector<uint32_t> at = IndicesOf(output, i);
    const auto first = at.begin() + static_cast<std::ptrdiff_t>(axis);
    const auto last = first + static_cast<std::ptrdiff_t>(shape.rank());
    std::vector<uint32_t> from(at.begin(), first);
    from.push_back(Wrapped(indices[PlaceOf(shape, {first, last})], data[axis]));
    from.insert(from.end(), last, at.end());
    ASSERT_EQ(y[i], x[PlaceOf(data, from)]) << i;
  }
}

TEST(MovementTest, Gather) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckGather<float>(seed);
    CheckGather<int32_t>(seed);
    CheckGather<uint8_t>(seed);
  }
}

// The shape of indices that reach no further than the data but along the axis.
Shape ElementIndices(std::mt19937& random, const Shape& data, size_t axis) {
  Shape shape = data;
  for (size_t i = 0; i < data.rank(); ++i) {
    shape[i] = static_cast<uint32_t>(1 + random() % (i == axis ? 4 : data[i]));
  }
  return shape;
}

void CheckElements(unsigned seed) {
  std::mt19937 random(seed);
  Shape data = RandomShape(random, 6);
  if (data.rank() == 0) data.Append(3);
  const size_t axis = random() % data.rank();
  const Shape shape = ElementIndices(random, data, axis);
  const Integers indices = DrawIndices(random, shape, data[axis]);
  const std::vector<float> x = Counting<float>(data);
  const auto place = [&](size_t i) {
    std::vector<uint32_t> at = IndicesOf(shape, i);
    at[axis] = Wrapped(indices[i], data[axis]);
    return PlaceOf(data, at);
  };
  const Shape signed_axis =
      Signed({static_cast<int32_t>(axis) - static_cast<int32_t>(data.rank())});
  Node gather = MakeNode("gatherElements", "y", {});
  gather["axis"].integers = signed_axis;
  const std::vector<float> y = RunNode<float>(gather, {{data, x}, {shape, indices}});
  for (size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], x[place(i)]) << i;
  Node scatter = MakeNode("scatterElements", "y", {});
  scatter["axis"].integers = signed_axis;
  std::vector<float> updates(indices.size());
  for (float& update : updates) update = static_cast<float>(random() % 9) - 4;
  for (const uint32_t reduction : {0U, 1U, 2U, 3U, 4U}) {
    scatter["reduction"].integers = {reduction};
    std::vector<float> expected = x;
    for (size_t i = 0; i < updates.size(); ++i) {
      float& at = expected[place(i)];
      if (reduction == 0) at = updates[i];
      if (reduction == 1) at += updates[i];
      if (reduction == 2) at *= updates[i];
      if (reduction == 3) at = std::min(at, updates[i]);
      if (reduction == 4) at = std::max(at, updates[i]);
    }
    ASSERT_EQ(RunNode<float>(scatter, {{data, x}, {shape, indices}, {shape, updates}}), expected);
  }
}

TEST(MovementTest, GatherAndScatterElements) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckElements(seed);
  }
}

struct SliceCase {
  explicit SliceCase(unsigned seed, size_t most_batch) : random(seed) {
    data = RandomShape(random, 5);
    while (data.rank() < 2) data.Append(3);
    batch = random() % (std::min(most_batch, data.rank() - 1) + 1);
    depth = 1 + random() % (data.rank() - batch);
    Shape outer(data.dims().first(batch));
    for (size_t more = random() % 3; more > 0; --more) outer.Append(1 + random() % 3);
    shape = outer;
    shape.Append(static_cast<uint32_t>(depth));
    indices.resize(static_cast<size_t>(shape.size()));
    for (size_t i = 0; i < indices.size(); ++i) {
      const uint32_t dim = data[batch + i % depth];
      indices[i] = static_cast<int32_t>(random() % (2 * dim)) - static_cast<int32_t>(dim);
    }
    output = outer;
    for (size_t axis = batch + depth; axis < data.rank(); ++axis) output.Append(data[axis]);
    slice = static_cast<size_t>(data.Product(batch + depth, data.rank()));
  }

  // In the data, of element `i` of the output.
  size_t Place(size_t i) const {
    const size_t number = i / slice;
    std::vector<uint32_t> at;
    const std::vector<uint32_t> own = IndicesOf(output, i);
    for (size_t axis = 0; axis < batch; ++axis) at.push_back(own[axis]);
    for (size_t k = 0; k < depth; ++k) {
      at.push_back(Wrapped(indices[number * depth + k], data[batch + k]));
    }
    const size_t behind = data.rank() - batch - depth;
    at.insert(at.end(), own.end() - static_cast<std::ptrdiff_t>(behind), own.end());
    return PlaceOf(data, at);
  }

  std::mt19937 random;
  Shape data;
  size_t batch;
  size_t depth;
  Shape shape;
  Integers indices;
  Shape output;
  size_t slice;
};

TEST(MovementTest, GatherND) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SliceCase c(seed, 2);
    Node node = MakeNode("gatherND", "y", {});
    node["batchDims"].integers = {static_cast<uint32_t>(c.batch)};
    const std::vector<float> x = Counting<float>(c.data);
    Shape output;
    const std::vector<float> y = RunNode<float>(node, {{c.data, x}, {c.shape, c.indices}}, &output);
    ASSERT_EQ(output, c.output);
    for (size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], x[c.Place(i)]) << i;
  }
}

TEST(MovementTest, ScatterND) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SliceCase c(seed, 0);
    const Integers x = Counting<int32_t>(c.data);
    Integers updates(static_cast<size_t>(c.output.size()));
    for (size_t i = 0; i < updates.size(); ++i) updates[i] = static_cast<int32_t>(i * 7 % 23);
    Node node = MakeNode("scatterND", "y", {});
    for (const uint32_t reduction : {0U, 1U, 4U}) {
      node["reduction"].integers = {reduction};
      Integers expected = x;
      for (size_t i = 0; i < updates.size(); ++i) {
        int32_t& at = expected[c.Place(i)];
        at = reduction == 0   ? updates[i]
             : reduction == 1 ? at + updates[i]
                              : std::max(at, updates[i]);
      }
      ASSERT_EQ(RunNode<int32_t>(node, {{c.data, x}, {c.shape, c.indices}, {c.output, updates}}),
                expected);
    }
  }
}

TEST(MovementTest, IndicesOutsideMakeARunFailAndNoOther) {
  Node node = MakeNode("gather", "g", {"x", "i"});
  Executor executor(
      MakeNetwork({{"x", {ElementType::kFloat32, {3}}, {}}, {"i", {ElementType::kInt32, {2}}, {}}},
                  {node}, {"g"}));
  for (const int32_t index : {3, -4, std::numeric_limits<int32_t>::min()}) {
    Fill(executor, 0, std::vector<float>{1, 2, 3});
    Fill(executor, 1, Integers{0, index});
    executor.Start();
    ExpectRefused(
        [&] { executor.Advance(1e30); },
        "The gather node \"g\": its index " + std::to_string(index) + " is outside -3 to 2.");
  }
  Fill(executor, 0, std::vector<float>{1, 2, 3});
  Fill(executor, 1, Integers{-1, 1});
  RunAll(executor);
  EXPECT_EQ(OutputOf<float>(executor, 0), (std::vector<float>{3, 2}));
}

// ---- Constants ----

Network Constants() {
  const auto constant = [](const std::string& name, uint32_t type, const Shape& shape) {
    Node node = MakeNode("constant", name, {});
    node["value"].tensor = name;
    node["shape"].integers = shape;
    node["type"].integers = {type};
    return node;
  };
  Node floats = constant("f", 0, {3});
  floats["nonFinite"].integers = {1};
  Node cast = MakeNode("cast", "t", {"i"});
  cast["type"].integers = {2};
  Network network = MakeNetwork(
      {{"x", {ElementType::kInt32, {3}}, {}}},
      {MakeNode("sum", "s", {"x", "i"}), floats, constant("i", 1, {3}), constant("b", 2, {1, 3}),
       cast, MakeNode("xor", "o", {"t", "b"}), MakeNode("where", "w", {"o", "f", "f"})},
      {"s", "o", "w"});
  const float inf = std::numeric_limits<float>::infinity();
  network.vectors.emplace("f", Array::Copy<float>(std::vector<float>{1, -inf, 2}));
  network.vectors.emplace("i", Array::Copy<int32_t>(Integers{1 << 30, -1, 0}));
  const std::array<uint8_t, 3> bools{1, 0, 1};
  network.vectors.emplace("b", Array::CopyBytes(DType::kBool, bools.data(), 3));
  return network;
}

TEST(MovementTest, ConstantsOfAllTypesInAModelFile) {
  const std::string file = forged::Write(Constants());
  EXPECT_NE(file.find(R"("version":"5")"), file.npos);
  EXPECT_NE(file.find(R"("i":{"dtype":"I32")"), file.npos);
  EXPECT_NE(file.find(R"("b":{"dtype":"BOOL")"), file.npos);
  Executor executor(forged::Read(file));
  EXPECT_EQ(forged::Write(executor.network()), file);
  Fill(executor, 0, Integers{1, 2, 3});
  RunAll(executor);
  EXPECT_EQ(OutputOf<int32_t>(executor, 0), (Integers{(1 << 30) + 1, 1, 3}));
  EXPECT_EQ(OutputOf<uint8_t>(executor, 1), (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_EQ(OutputOf<float>(executor, 2)[1], -std::numeric_limits<float>::infinity());
}

TEST(MovementTest, ConstantsThatDoNotFit) {
  const auto refused = [](const std::string& message, const std::function<void(Network&)>& spoil) {
    Network network = Constants();
    spoil(network);
    ExpectRefused([&] { Executor executor(network); }, message);
  };
  refused("The constant node \"f\": its value \"f\" holds NaN or infinity.",
          [](Network& n) { n.graph.nodes[1]["nonFinite"].integers = {0}; });
  refused("The constant node \"i\": its value \"i\" holds neither NaN nor infinity.",
          [](Network& n) { n.graph.nodes[2]["nonFinite"].integers = {1}; });
  refused("The constant node \"i\": its value \"i\" does not hold int32 values.", [](Network& n) {
    n.vectors.at("i") = Array::Copy<float>(std::vector<float>{1, 2, 3});
  });
  refused("The constant node \"b\": its value \"b\" holds bytes other than 0 and 1.",
          [](Network& n) {
            const std::array<uint8_t, 3> bytes{1, 2, 0};
            n.vectors.at("b") = Array::CopyBytes(DType::kBool, bytes.data(), 3);
          });
}

// ---- A file of version 5, byte by byte ----

// [-inf, x[1]] where b is true, else 0 and 0: keys of all kinds that only this version has.
Network GoldenNetwork() {
  const auto constant = [](const std::string& name, const Shape& shape) {
    Node node = MakeNode("constant", name, {});
    node["value"].tensor = name;
    node["shape"].integers = shape;
    return node;
  };
  Node low = constant("low", {1});
  low["nonFinite"].integers = {1};
  Node mask = constant("mask", {2});
  mask["type"].integers = {2};
  Node order = constant("order", {1});
  order["type"].integers = {1};
  Node pick = MakeNode("gather", "pick", {"x", "order"});
  pick["axis"].integers = Signed({-1});
  Node both = MakeNode("concat", "both", {"low", "pick"});
  both["axis"].integers = Signed({0});
  Node bounded = MakeNode("clip", "bounded", {"both"});
  bounded["most"].number = 9.5F;
  Node pad = MakeNode("pad", "pad", {"bounded"});
  pad["before"].integers = Signed({-1});
  pad["after"].integers = Signed({1});
  pad["mode"].integers = {2};
  Network network = MakeNetwork({{"x", {ElementType::kFloat32, {3}}, {}}},
                                {low, mask, order, pick, both, bounded, pad,
                                 MakeNode("where", "out", {"mask", "both", "pad"})},
                                {"out"});
  network.graph.name = "five";
  network.vectors.emplace(
      "low", Array::Copy<float>(std::vector<float>{-std::numeric_limits<float>::infinity()}));
  network.vectors.emplace("order", Array::Copy<int32_t>(Integers{-2}));
  const std::array<uint8_t, 2> bools{1, 0};
  network.vectors.emplace("mask", Array::CopyBytes(DType::kBool, bools.data(), 2));
  return network;
}

TEST(MovementTest, GoldenFileOfVersion5) {
  // CRC-32 of header and arrays by zlib.
  constexpr std::string_view kHeader =
      R"({"__metadata__":{"format":"lowtropy","version":"5","checksum":"565c63e0",)"
      R"("graph":"{\"name\":\"five\",\"inputs\":[{\"name\":\"x\",\"type\":\"float32\",)"
      R"(\"shape\":[3]}],\"outputs\":[\"out\"],\"nodes\":[{\"op\":\"constant\",\"name\":\"low\",)"
      R"(\"inputs\":[],\"output\":\"low\",\"value\":\"low\",\"shape\":[1],\"nonFinite\":true},)"
      R"({\"op\":\"constant\",\"name\":\"mask\",\"inputs\":[],\"output\":\"mask\",)"
      R"(\"value\":\"mask\",\"shape\":[2],\"type\":\"bool\"},{\"op\":\"constant\",)"
      R"(\"name\":\"order\",\"inputs\":[],\"output\":\"order\",\"value\":\"order\",\"shape\":[1],)"
      R"(\"type\":\"int32\"},{\"op\":\"gather\",\"name\":\"pick\",\"inputs\":[\"x\",\"order\"],)"
      R"(\"output\":\"pick\",\"axis\":-1},{\"op\":\"concat\",\"name\":\"both\",)"
      R"(\"inputs\":[\"low\",\"pick\"],\"output\":\"both\",\"axis\":0},{\"op\":\"clip\",)"
      R"(\"name\":\"bounded\",\"inputs\":[\"both\"],\"output\":\"bounded\",)"
      R"(\"least\":-3.4028235e+38,\"most\":9.5},{\"op\":\"pad\",\"name\":\"pad\",)"
      R"(\"inputs\":[\"bounded\"],\"output\":\"pad\",\"before\":[-1],\"after\":[1],)"
      R"(\"mode\":\"edge\",\"value\":0},{\"op\":\"where\",\"name\":\"out\",\"inputs\":[\"mask\",)"
      R"(\"both\",\"pad\"],\"output\":\"out\"}]}","matrices":"{}",)"
      R"("checksums":"{\"low\":\"37c5a8da\",\"order\":\"4743989a\",\"mask\":\"58c223be\"}"},)"
      R"("low":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"order":{"dtype":"I32",)"
      R"("shape":[1],"data_offsets":[4,8]},"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[8,)"
      R"(10]}})";
  constexpr char kData[] = "\0\0\x80\xFF\xFE\xFF\xFF\xFF\1\0";
  std::string expected = forged::LengthBytes(1400) + std::string(kHeader);
  expected.append(8 + 1400 - expected.size(), ' ');
  expected.append(kData, 10);
  EXPECT_EQ(forged::Write(GoldenNetwork()), expected);
  Executor executor(forged::Read(expected));
  Fill(executor, 0, std::vector<float>{1, 7, 3});
  RunAll(executor);
  EXPECT_EQ(OutputOf<float>(executor, 0),
            (std::vector<float>{-std::numeric_limits<float>::infinity(), 7}));
}

// ---- Many together ----

// A node of values that there are, whose shapes and types fit; or one that does not, to be left
// out.
Node RandomNode(std::mt19937& random, const std::vector<std::string>& values,
                const std::string& name) {
  const auto any = [&] { return values[random() % values.size()]; };
  constexpr std::string_view kOps[] = {
      "neg",       "tanh",   "isNaN",   "not",       "sum",    "sub",    "max",       "less",
      "equal",     "xor",    "where",   "cast",      "concat", "pad",    "slice",     "tile",
      "transpose", "expand", "softmax", "reduceMax", "cumSum", "argMax", "layerNorm", "silu"};
  const Operator* op = FindOperator(kOps[random() % std::size(kOps)]);
  std::vector<std::string> inputs;
  for (size_t i = 0; i < std::max<size_t>(op->least_inputs, 1); ++i) inputs.push_back(any());
  if (op->most_inputs > 3) inputs.push_back(any());
  Node node = MakeNode(op->name, name, inputs);
  const auto has = [&](std::string_view attribute) {
    return std::any_of(op->attributes.begin(), op->attributes.end(),
                       [&](const AttributeSpec& spec) { return spec.name == attribute; });
  };
  if (has("type")) node["type"].integers = {static_cast<uint32_t>(random() % 3)};
  if (has("axis")) node["axis"].integers = Signed({static_cast<int32_t>(random() % 2) - 1});
  if (op->name == "reduceMax") node["axes"].integers = Signed({-1});
  if (op->name == "tile") node["repeats"].integers = {1, 1 + static_cast<uint32_t>(random() % 2)};
  if (op->name == "transpose") node["axes"].integers = {1, 0};
  if (op->name == "expand") node["shape"].integers = {2, 1};
  if (op->name == "pad") {
    node["before"].integers = Signed({0, 1});
    node["after"].integers = Signed({0, -1});
  }
  if (op->name == "slice") {
    node["starts"].integers = Signed({-1});
    node["ends"].integers = Signed({-100});
    node["axes"].integers = Signed({1});
    node["steps"].integers = Signed({-1});
  }
  return node;
}

// Values that nothing needs any more are written over: what comes out is the same as where all are
// kept.
TEST(MovementTest, PlansKeepWhatIsNeeded) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Network network = MakeNetwork({{"x", {ElementType::kFloat32, {2, 3}}, {}},
                                   {"y", {ElementType::kFloat32, {1, 3}}, {}},
                                   {"b", {ElementType::kBool, {2, 1}}, {}}},
                                  {MakeNode("abs", "first", {"x"})}, {"first"});
    std::vector<std::string> values{"x", "y", "b", "first"};
    std::map<std::string, ValueType> types = InferTypes(network.graph);
    for (int i = 0; i < 40; ++i) {
      const Node node = RandomNode(random, values, "value " + std::to_string(i));
      std::vector<ValueType> inputs;
      for (const std::string& input : node.inputs) inputs.push_back(types.at(input));
      try {
        const ValueType type = InferType(node, inputs);
        if (type.shape.size() > 200) continue;
        types.emplace(node.output, type);
      } catch (const Error&) {
        continue;
      }
      network.graph.nodes.push_back(node);
      values.push_back(node.output);
    }
    network.graph.outputs = {values.back()};
    Network kept = network;
    kept.graph.outputs.assign(values.begin() + 3, values.end());
    std::reverse(kept.graph.outputs.begin(), kept.graph.outputs.end());
    Executor executor(network);
    Executor reference(kept);
    for (Executor* each : {&executor, &reference}) {
      Fill(*each, 0, std::vector<float>{1, -2, 3, 0, 1.5F, -1});
      Fill(*each, 1, std::vector<float>{0.5F, 1, -2});
      Fill(*each, 2, std::vector<uint8_t>{1, 0});
      RunAll(*each);
    }
    EXPECT_EQ(OutputOf<uint8_t>(executor, 0), OutputOf<uint8_t>(reference, 0));
  }
}

// ---- Versions of the model file ----

// The least version that has a graph, as its file says.
std::string VersionOf(const Network& network) {
  const std::string file = forged::Write(network);
  return file.substr(56, 1);
}

TEST(MovementTest, FilesAreOfTheOldestVersionThatHasAll) {
  const auto version = [](std::string_view op, ElementType type, int32_t axis) {
    Node node = MakeNode(op, "y", {"x", "x"});
    if (!node.attributes.empty()) node["axis"].integers = Signed({axis});
    return VersionOf(MakeNetwork({{"x", {type, {1, 2, 3}}, {}}}, {node}, {"y"}));
  };
  EXPECT_EQ(version("concat", ElementType::kFloat32, 8), "1");
  EXPECT_EQ(version("concat", ElementType::kFloat32, 2), "5");
  EXPECT_EQ(version("concat", ElementType::kInt32, 8), "5");
  EXPECT_EQ(version("sum", ElementType::kFloat32, 0), "4");
  EXPECT_EQ(version("sum", ElementType::kInt32, 0), "5");
  EXPECT_EQ(version("sub", ElementType::kFloat32, 0), "5");
}

TEST(MovementTest, Refusals) {
  const ValueType type{ElementType::kFloat32, {2, 3}};
  const ValueType indices{ElementType::kInt32, {2}};
  Node slice = MakeNode("slice", "s", {"x"});
  for (const std::string_view list : {"starts", "ends", "axes", "steps"}) {
    slice[list].integers = Signed({1});
  }
  const auto slice_with = [&](std::string_view list, const Integers& values) {
    Node node = slice;
    node[list].integers = Signed(values);
    TypeOf(node, {type});
  };
  ExpectRefused([&] { slice_with("axes", {2}); },
                "The slice node \"s\": its axis 2 is none of a value of 2 dimensions.");
  ExpectRefused([&] { slice_with("steps", {0}); },
                "The slice node \"s\": a step of 0 leads nowhere.");
  ExpectRefused(
      [&] {
        slice_with("ends", {1, 2});
      },
      "The slice node \"s\": it has 2 ends for 1 axes.");
  ExpectRefused([&] { slice_with("ends", {1}); },
                "The slice node \"s\": its output of 2 x 0 is empty or larger than 2147483648 "
                "values.");
  Node tile = MakeNode("tile", "t", {"x"});
  tile["repeats"].integers = {2};
  ExpectRefused([&] { TypeOf(tile, {type}); },
                "The tile node \"t\": it has 1 repeats for 2 dimensions.");
  Node pad = MakeNode("pad", "p", {"x"});
  pad["before"].integers = Signed({0, -3});
  pad["after"].integers = Signed({0, 0});
  ExpectRefused([&] { TypeOf(pad, {type}); },
                "The pad node \"p\": it leaves 0 elements along dimension 1.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("gather", "g", {"x", "i"}), {type, type});
      },
      "The gather node \"g\": its indices are of float32, not of int32.");
  ExpectRefused([&] { TypeOf(MakeNode("depthToSpace", "d", {"x"}), {type}); },
                "The depthToSpace node \"d\": blocks of 2 x 2 do not fit into 2 x 3.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("scatterND", "n", {"x", "i", "u"}), {type, indices, type});
      },
      "The scatterND node \"n\": its updates have to be a number of float32, not 2 x 3 of "
      "float32.");
}

}  // namespace
}  // namespace lowtropy
