// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lowtropy/graph/graph.h"

namespace lowtropy {

class JsonValue;

// A graph as JSON: the object that `web/lib/graph/graph.js` calls Graph. FORMAT.md specifies it.

inline constexpr size_t kMaxGraphBytes = size_t{16} << 20;

// Keys may come in any order, but each just once, all that the op uses and no other. Throws
// Error(kFile) that names the byte or the node when the text is anything else, is longer than
// kMaxGraphBytes, holds a name that is none (IsName, IsTensorName), more than kMaxNodes nodes, or
// more outputs or inputs of a node than a graph can have values. Whether the graph makes sense is
// not checked: see InferTypes.
Graph ParseGraph(std::string_view json);

// The same of one node alone, and of a name of a type.
Node ParseNode(const JsonValue& value);

// One of kElementTypeNames. Throws Error(kFile) for any other.
ElementType ParseElementType(const JsonValue& value);

// Whether the graph's inputs are more than one of float32 and of three fixed dimensions, so that
// they need the form that files have from kNamedInputsVersion on.
bool HasNamedInputs(const Graph& graph);
inline constexpr unsigned kNamedInputsVersion = 4;

// The canonical text: no spaces, keys in FORMAT.md's order, just those that the op uses, the
// shortest numbers. Equal graphs give equal bytes, and ParseGraph reads back the same graph as long
// as its names are names. Throws Error(kValue) for NaN and infinities.
std::string FormatGraph(const Graph& graph);

}  // namespace lowtropy
