// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/blocks.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/listed.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/formats/pcsr.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {
namespace {

unsigned CodeBitsOf(uint64_t distinct) {
  return std::max(1U, static_cast<unsigned>(std::bit_width(distinct - 1)));
}

// A row's elements in one block: `count` of the block's indices.
struct List {
  uint32_t row;
  uint32_t count;
  uint32_t units() const { return (count + 1) / 2; }
};

struct Block {
  std::vector<List> lists;
  std::vector<uint32_t> indices;
};

std::vector<Block> CutIntoBlocks(const RowSource& source, const Profile& profile, unsigned bits) {
  std::vector<Block> blocks(((profile.cols - 1) >> bits) + 1);
  EntryReader reader(source, profile.values.omega()[0]);
  const uint32_t low = (uint32_t{1} << bits) - 1;
  for (size_t r = 0; r < profile.rows; ++r) {
    const std::span<const RowEntry> listed = reader.Read(r);
    for (size_t i = 0; i < listed.size();) {
      const uint32_t b = listed[i].col >> bits;
      Block& block = blocks[b];
      const size_t first = block.indices.size();
      for (; i < listed.size() && listed[i].col >> bits == b; ++i) {
        const uint32_t code = profile.values.Code(listed[i].value);
        block.indices.push_back(code << bits | (listed[i].col & low));
      }
      std::sort(block.indices.begin() + static_cast<std::ptrdiff_t>(first), block.indices.end());
      block.lists.push_back(
          {static_cast<uint32_t>(r), static_cast<uint32_t>(block.indices.size() - first)});
    }
  }
  return blocks;
}

// Writes indices of 12, 16 or 32 bits one after the other.
class IndexWriter {
 public:
  IndexWriter(uint64_t count, unsigned bits)
      : bits_(bits), size_(count * bits / 8), memory_(AllocateBytes(size_)), to_(Bytes()) {
    std::memset(to_, 0, static_cast<size_t>(size_));
  }

  void Push(uint32_t index) {
    if (bits_ != 12) {
      std::memcpy(to_, &index, bits_ / 8);
      to_ += bits_ / 8;
      return;
    }
    const uint32_t shifted = odd_ ? index << 4 : index;
    to_[0] = static_cast<uint8_t>(to_[0] | (shifted & 0xFF));
    to_[1] = static_cast<uint8_t>(shifted >> 8);
    to_ += odd_ ? 2 : 1;
    odd_ = !odd_;
  }

  Array Build() && {
    const DType type = bits_ == 12 ? DType::kU8 : CodeType(bits_);
    return Array(type, Bytes(), static_cast<size_t>(size_ / ByteSize(type)), memory_);
  }

 private:
  uint8_t* Bytes() const { return reinterpret_cast<uint8_t*>(memory_.get()); }

  unsigned bits_;
  uint64_t size_;
  std::shared_ptr<std::byte> memory_;
  uint8_t* to_;
  bool odd_ = false;
};

// The lists of a block in the order of the format, with where the indices of each begin. By
// counting, which keeps rows in order.
struct SortedList {
  List list;
  size_t first;
};
std::vector<SortedList> SortLists(const Block& block) {
  uint32_t most = 0;
  for (const List& list : block.lists) most = std::max(most, list.units());
  std::vector<size_t> next(most + 1, 0);  // by units: where the next such list goes
  for (const List& list : block.lists) ++next[list.units() - 1];
  for (size_t units = most; units-- > 0;) next[units] += next[units + 1];
  std::vector<SortedList> lists(block.lists.size());
  size_t first = 0;
  for (const List& list : block.lists) {
    lists[next[list.units()]++] = {list, first};
    first += list.count;
  }
  return lists;
}

}  // namespace

Blocks::Layout Blocks::LayoutOf(uint64_t distinct, bool wide) {
  const unsigned code_bits = CodeBitsOf(distinct);
  const unsigned all = wide ? 13 : 12;
  const unsigned least = std::min(4U, 32 - code_bits);  // beyond 2^28 values indices would overflow
  const unsigned block_bits = code_bits + least > all ? least : all - code_bits;
  const unsigned bits = code_bits + block_bits;
  return {block_bits, bits <= 12 ? 12U : bits <= 16 ? 16U : 32U, bits == 13 ? 2U : 0U};
}

Blocks::Layout Blocks::LayoutOf(uint64_t distinct, uint64_t listed, uint64_t elements) {
  return LayoutOf(distinct, 6 * listed > elements);
}

// A table of (K - 1)·B products for each block, read once an index; indices that fill up units
// count.
void Blocks::Count(const Profile& p, Counter& c) {
  const Layout layout = LayoutOf(p.values.size(), p.listed, p.elements());
  const uint64_t block = uint64_t{1} << layout.block_bits;
  const uint64_t blocks = (p.cols + block - 1) / block;
  const uint64_t indices = 2 * p.block_units;
  const uint64_t products = (p.values.size() - 1) * p.cols;
  const uint64_t table = p.values.size() * block * sizeof(float);
  c.Omega((p.values.size() - 1) * blocks);
  c.Stored("codes", layout.index_bits == 12 ? indices * 12 / 8 : indices,
           layout.index_bits == 12 ? 8 : layout.index_bits, indices * layout.index_bits / 8);
  c.Indices("rowI", p.block_lists, p.max_listed_row);
  c.Indices("classes", p.block_class_sizes, p.block_max_class);
  c.Input(p.cols);
  c.Table(table, products, indices);
  c.Accumulated(p.block_lists);
  c.Arithmetic(products, indices);
  c.Decomposition();
}

Prediction Blocks::Predict(const Profile& p) {
  Prediction result{Prediction::kNever, 0, Prediction::kNever, Prediction::kNever};
  const Layout layout = LayoutOf(p.values.size(), p.listed, p.elements());
  if (p.values.omega()[0] != 0.0F || !HasTable(p.values.size(), layout)) return result;
  constexpr double kRow = 1;
  constexpr double kList = 0.6;   // a row of a block
  constexpr double kEntry = 0.1;  // of the tables
  const double index = layout.index_bits == 12 ? 0.22 : 0.185;
  result.vector = kRow * static_cast<double>(p.rows) + kList * static_cast<double>(p.block_lists) +
                  index * static_cast<double>(2 * p.block_units) +
                  kEntry * static_cast<double>(p.values.size()) * static_cast<double>(p.cols);
  return result;
}

Walks Blocks::GetWalks() const {
  const auto lists = static_cast<double>(row_i.size() + classes.size());
  return {.columns = 0, .blocks = 16 * lists, .vector = lists, .row = 8 * lists};
}

Blocks Blocks::Encode(const RowSource& source, const Profile& profile) {
  const Layout layout = LayoutOf(profile.values.size(), profile.listed, profile.elements());
  IndexWriter codes(2 * profile.block_units, layout.index_bits);
  IndexBuilder row_i;
  IndexBuilder classes;
  for (const Block& block : CutIntoBlocks(source, profile, layout.block_bits)) {
    const auto lists = SortLists(block);
    for (size_t i = 0; i < lists.size();) {
      const uint32_t units = lists[i].list.units();
      const size_t first = i;
      for (; i < lists.size() && lists[i].list.units() == units; ++i) {
        const auto& [list, at] = lists[i];
        row_i.Push(list.row);
        if (list.count % 2 != 0) codes.Push(0);
        for (uint32_t n = 0; n < list.count; ++n) codes.Push(block.indices[at + n] << layout.shift);
      }
      classes.Push(units);
      classes.Push(static_cast<uint32_t>(i - first));
    }
    classes.Push(0);
  }
  return {profile.rows,
          profile.cols,
          Array::Copy<float>(profile.values.omega()),
          std::move(codes).Build(),
          std::move(row_i).Build(),
          std::move(classes).Build()};
}

uint32_t Blocks::IndexAt(size_t i) const {
  if (codes.type() != DType::kU8) return codes.Index(i) >> layout().shift;
  const uint8_t* bytes = codes.As<uint8_t>().data() + i / 2 * 3;
  return i % 2 == 0 ? bytes[0] | (bytes[1] & 15U) << 8 : bytes[1] >> 4 | uint32_t{bytes[2]} << 4;
}

size_t Blocks::index_count() const {
  return codes.type() != DType::kU8 ? codes.size() : codes.size() / 3 * 2;
}

void Blocks::DecodeRow(size_t row, std::span<float> out) const {
  const auto values = omega.As<float>();
  const unsigned bits = layout().block_bits;
  std::fill(out.begin(), out.end(), values[0]);
  ForEachList([&](size_t block, uint32_t list_row, size_t first, uint32_t units) {
    if (list_row != row) return;
    for (size_t i = first; i < first + 2 * size_t{units}; ++i) {
      const uint32_t index = IndexAt(i);
      if (index == 0) continue;
      out[(block << bits) + (index & ((uint32_t{1} << bits) - 1))] = values[index >> bits];
    }
  });
}

Pcsr Blocks::ToPcsr() const {
  const unsigned bits = layout().block_bits;
  const unsigned code_bits = CodeBitsOf(omega.size());
  // Where the next element of a row goes; the lists of a row come by ascending blocks.
  std::vector<uint32_t> next(rows + 1, 0);
  ForEachList([&](size_t, uint32_t row, size_t first, uint32_t units) {
    next[row + 1] += 2 * units - (IndexAt(first) == 0 ? 1 : 0);  // only the first may be none
  });
  for (size_t r = 0; r < rows; ++r) next[r + 1] += next[r];
  std::vector<Listed> listed(next[rows]);
  IndexBuilder row_ptr;
  for (const uint32_t start : next) row_ptr.Push(start);
  std::vector<uint32_t> columns;  // of a list, with the codes in the low bits
  ForEachList([&](size_t block, uint32_t row, size_t first, uint32_t units) {
    columns.clear();
    for (size_t i = first; i < first + 2 * size_t{units}; ++i) {
      const uint32_t index = IndexAt(i);
      const uint32_t col = index & ((uint32_t{1} << bits) - 1);
      if (index != 0) columns.push_back(col << code_bits | index >> bits);
    }
    std::sort(columns.begin(), columns.end());
    for (const uint32_t column : columns) {
      listed[next[row]++] = {column & ((uint32_t{1} << code_bits) - 1),
                             static_cast<uint32_t>(block << bits) + (column >> code_bits)};
    }
  });
  IndexBuilder pcsr_codes;
  IndexBuilder col_i;
  for (const Listed& element : listed) {
    pcsr_codes.Push(element.code);
    col_i.Push(element.col);
  }
  return {rows,
          cols,
          omega,
          std::move(pcsr_codes).Build(),
          std::move(col_i).Build(),
          std::move(row_ptr).Build()};
}

// ---- Validation ----

namespace {

class BlocksCheck {
 public:
  BlocksCheck(const Blocks& blocks, std::string* reason)
      : b_(blocks),
        reason_(reason),
        bits_(blocks.layout().block_bits),
        counts_(blocks.omega.size(), 0),
        seen_(size_t{1} << bits_, 0) {}

  bool Run() {
    if (!CheckType() || !CheckClasses() || !CheckLists()) return false;
    const uint64_t elements = uint64_t{b_.rows} * b_.cols;
    const auto layout = Blocks::LayoutOf(b_.omega.size(), listed_, elements);
    if (layout.index_bits != b_.layout().index_bits || layout.block_bits != bits_) {
      return Fail(reason_,
                  Text("codes has indices of ", b_.layout().index_bits, " bits where there are ",
                       layout.index_bits, " for ", listed_, " elements"));
    }
    counts_[0] = elements - listed_;
    return CheckFrequencies(b_.omega, counts_, reason_);
  }

 private:
  bool CheckType() {
    const unsigned bits = b_.layout().index_bits;
    const DType type = bits == 12 ? DType::kU8 : CodeType(bits);
    if (b_.codes.type() == type) {
      return type != DType::kU8 || b_.codes.size() % 3 == 0 ||
             Fail(reason_,
                  Text("codes has ", b_.codes.size(), " bytes, which are not whole units of 3"));
    }
    return Fail(reason_,
                Text("codes is ", Name(b_.codes.type()), " where ", Name(type), " is needed"));
  }

  // That classes describes every block, and just as many rows and indices as there are.
  bool CheckClasses() {
    const uint64_t blocks = ((b_.cols - 1) >> bits_) + 1;
    const uint64_t most = std::max<uint64_t>(b_.rows, (uint64_t{1} << bits_) / 2);
    if (!CheckIndices("classes", b_.classes, most, reason_) ||
        !CheckIndices("rowI", b_.row_i, b_.rows - 1, reason_)) {
      return false;
    }
    uint64_t lists = 0;
    uint64_t units = 0;
    size_t at = 0;
    for (uint64_t block = 0; block < blocks; ++block) {
      uint64_t last = BlockWidth(block) / 2 + BlockWidth(block) % 2 + 1;
      for (;; at += 2) {
        if (at >= b_.classes.size()) return Fail(reason_, "classes ends before the last block");
        const uint32_t n = b_.classes.Index(at);
        if (n == 0) break;
        const uint32_t count = at + 1 < b_.classes.size() ? b_.classes.Index(at + 1) : 0;
        if (n >= last || count == 0) {
          return Fail(
              reason_,
              Text("classes is not descending, or has a class without rows, in block ", block));
        }
        last = n;
        lists += count;
        units += uint64_t{n} * count;
      }
      ++at;
    }
    if (at != b_.classes.size()) return Fail(reason_, "classes goes on after the last block");
    return CheckSize("rowI", b_.row_i, lists, reason_) &&
           (units * 2 == b_.index_count() ||
            Fail(reason_, Text("codes has ", b_.index_count(), " indices, not ", units * 2)));
  }

  bool CheckLists() {
    bool valid = true;
    size_t last_block = 0;
    uint32_t last_units = 0;
    uint32_t last_row = 0;
    b_.ForEachList([&](size_t block, uint32_t row, size_t first, uint32_t units) {
      if (!valid) return;
      if (block != last_block) {
        valid = CheckRows(last_block);
        rows_.clear();
        if (!valid) return;
      }
      const bool same_class = !rows_.empty() && units == last_units;
      if (same_class && row <= last_row) {
        valid = Fail(reason_, Text("rowI does not rise in a class of block ", block));
        return;
      }
      rows_.push_back(row);
      last_block = block;
      last_units = units;
      last_row = row;
      valid = CheckList(block, row, first, units);
    });
    return valid && CheckRows(last_block);
  }

  // That no row occurs twice in a block.
  bool CheckRows(size_t block) {
    std::vector<uint32_t> sorted = rows_;
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() ||
           Fail(reason_, Text("rowI holds a row twice in block ", block));
  }

  bool CheckList(size_t block, uint32_t row, size_t first, uint32_t units) {
    const std::string place = Text(" in block ", block, " of row ", row);
    const bool shifted = b_.layout().shift != 0;
    ++stamp_;
    uint32_t last = 0;
    for (size_t i = first; i < first + 2 * size_t{units}; ++i) {
      const uint32_t index = b_.IndexAt(i);
      if (shifted && b_.codes.Index(i) % 4 != 0) {
        return Fail(reason_, Text("codes holds ", b_.codes.Index(i),
                                  ", which is not four times an index,", place));
      }
      if (index == 0 && i == first) continue;
      const uint32_t code = index >> bits_;
      const uint32_t col = index & ((uint32_t{1} << bits_) - 1);
      if (code == 0 || code >= b_.omega.size() || col >= BlockWidth(block)) {
        return Fail(reason_, Text("codes holds ", index, ", which is no element's index,", place));
      }
      if (index <= last || seen_[col] == stamp_) {
        return Fail(reason_, "codes does not rise, or names a column twice," + place);
      }
      last = index;
      seen_[col] = stamp_;
      ++counts_[code];
      ++listed_;
    }
    return true;
  }

  uint64_t BlockWidth(uint64_t block) const {
    return std::min<uint64_t>(uint64_t{1} << bits_, b_.cols - (block << bits_));
  }

  const Blocks& b_;
  std::string* reason_;
  unsigned bits_;
  std::vector<uint64_t> counts_;
  std::vector<uint64_t> seen_;  // by column of a block, the last list that named it
  uint64_t stamp_ = 0;
  std::vector<uint32_t> rows_;  // of the block so far
  uint64_t listed_ = 0;
};

}  // namespace

bool Blocks::Validate(std::string* reason) const {
  return CheckOmega(omega, reason) && BlocksCheck(*this, reason).Run();
}

}  // namespace lowtropy
