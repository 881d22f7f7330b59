// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Numbers as decimal text and back. C's printf and strtod are 17 KB of WebAssembly and write the
// locale's point; std::to_chars does not know floating point in Emscripten 3.1.6.
namespace lowtropy {

// The float that is nearest to a text such as "-12.5e-3", which is as in JSON. Of its digits the
// first 19 count; those of up to 9 digits that Shortest() writes come back exactly.
float ParseFloat(std::string_view text);

// The shortest of C's formats %.1g to %.9g that reads back as the same float, for any float; of
// other numbers all 9 digits. "nan", "inf" or "-inf" for what is no number.
std::string Shortest(double number);

// A number from 0 on with so many digits behind the point, as C's %.<digits>f; from
// 1e15 on as Shortest() has it.
std::string Fixed(double number, int digits);

}  // namespace lowtropy
