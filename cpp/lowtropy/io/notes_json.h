// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lowtropy/graph/notes.h"

namespace lowtropy {

class JsonObject;
class JsonWriter;

// In files from this version on.
inline constexpr unsigned kNotesVersion = 5;

// The keys `image` and `labels` of a graph's JSON, as FORMAT.md has them.

// Throws Error(kFile) that names the byte for what is none: numbers that are not of a picture,
// labels that are no names (IsName) or more than kMaxLabels.
Notes ReadNotes(JsonObject& graph);

// Just those that there are.
void WriteNotes(JsonWriter& json, const Notes& notes);

}  // namespace lowtropy
