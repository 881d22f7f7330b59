// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/methods/methods.h"

#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

constexpr const MethodRow* kRows[] = {&kNoneRow,    &kFp16Row,     &kFedAvgRow,
                                      &kSignSgdRow, &kTernGradRow, &kQsgdRow,
                                      &kTopKRow,    &kStcRow,      &kSbcRow};

}  // namespace

const MethodRow& RowOf(Method method) { return *kRows[static_cast<size_t>(method) - 1]; }

const MethodRow* FindMethod(uint8_t number) {
  return number >= 1 && number <= std::size(kRows) ? kRows[number - 1] : nullptr;
}

std::string_view Name(Method method) { return RowOf(method).name; }

std::vector<std::string_view> MethodNames() {
  std::vector<std::string_view> names;
  for (const MethodRow* row : kRows) names.push_back(row->name);
  return names;
}

Method MethodOf(std::string_view name) {
  std::string known;
  for (const MethodRow* row : kRows) {
    if (row->name == name) return row->method;
    const bool last = row == kRows[std::size(kRows) - 1];
    known += Text(known.empty() ? "" : last ? " and " : ", ", row->name);
  }
  throw Error(ErrorKind::kValue,
              Text("There is no compressor \"", name, "\"; there are ", known, "."));
}

bool IsSparse(Method method) { return RowOf(method).sparse; }

void Validate(Method method, const MethodOptions& options) {
  const MethodRow& row = RowOf(method);
  if (row.validate != nullptr) row.validate(options);
}

}  // namespace lowtropy
