// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/digit_strokes.h"

#include <cstdlib>

namespace lowtropy {
namespace {

// Points as "x,y", with "!" after corners; strokes end with ";". Text, because lists of points took
// 50 KB of code that fills vectors.
struct Listed {
  size_t digit;
  uint32_t weight;
  const char* strokes;
};

// clang-format off
constexpr Listed kListed[] = {
    // closed, from the top
    {0, 10, "30,0 8,14 0,50 8,86 30,100 52,86 60,50 52,14 28,0"},
    // from the upper right, ends crossing
    {0, 6, "48,10 26,0 5,22 0,58 14,92 34,100 55,80 60,45 50,12 28,6"},
    // wide
    {0, 4, "46,20 4,34 -10,60 8,80 36,80 66,62 70,36 50,20 28,22"},
    // not quite closed
    {0, 2, "40,2 14,8 0,48 8,86 30,100 52,84 60,48 48,10"},
    // a line
    {1, 20, "30,0 30,50 30,100"},
    // with a flag
    {1, 2, "10,22 30,0! 30,50 30,100"},
    // with flag and foot
    {1, 2, "8,20 30,0! 30,50 30,100; 4,100 30,99 56,100"},
    // sharp corner
    {2, 8, "4,22 14,5 34,0 53,13 50,38 28,68 2,98! 30,97 62,98"},
    // looped
    {2, 6, "4,20 20,2 42,1 55,20 44,52 22,84 8,97 0,88 12,80 32,90 48,98 66,90"},
    // large loop, upright
    {2, 6, "6,18 28,0 50,12 50,46 36,80 14,98 -2,86 8,70 30,74 50,86 72,92"},
    // large loop from a round back
    {2, 3, "0,12 30,0 56,20 54,60 34,92 10,98 0,80 18,68 38,80 60,100"},
    // waved
    {2, 4, "4,18 22,0 48,6 52,30 34,62 4,94! 22,88 42,98 64,92"},
    // squat
    {2, 2, "4,26 24,8 46,16 42,42 18,72 -8,88! 30,84 80,80"},
    // hardly a top
    {2, 1, "14,10 26,0 32,12 20,50 2,92! 30,92 72,90"},
    // round, sharp in the middle
    {3, 8, "4,12 24,0 48,9 44,34 20,47! 50,56 56,80 32,99 2,91"},
    // flat top
    {3, 2, "4,2 28,2 52,2! 24,40! 52,54 54,82 28,100 0,88"},
    // small loop in the middle
    {3, 4, "2,14 22,0 48,10 42,36 22,48 15,45 26,43 50,56 54,82 28,100 0,90"},
    // small bottom
    {3, 2, "0,6 26,0 50,12 40,38 18,50! 40,58 42,80 24,97 4,98"},
    // open, with a corner
    {4, 8, "6,2 3,30 2,54! 30,54 60,50; 50,0 48,50 44,100"},
    // open, round
    {4, 6, "8,2 4,38 16,54 38,50 52,38; 54,0 50,50 44,100"},
    // in one stroke
    {4, 4, "6,4 2,38 18,52 44,38 54,2! 50,50 46,100"},
    // closed
    {4, 2, "40,0 20,32 0,62! 30,62 62,62; 42,0 42,50 42,100"},
    // the second stroke short
    {4, 2, "20,0 8,40 2,66! 30,64 66,60; 48,30 44,64 40,100"},
    // the top written last
    {5, 6, "12,2 8,42! 30,38 52,52 54,76 32,98 2,92; 12,2 34,1 60,0"},
    // in one stroke
    {5, 6, "58,0 36,1 14,2! 8,44! 32,38 52,56 48,84 24,100 0,90"},
    // like an S
    {5, 3, "58,2 34,3 18,10 14,34 38,48 52,66 42,90 20,99 -2,90"},
    // long top, small belly
    {5, 3, "14,10 12,48! 32,46 42,62 36,88 14,100 -4,92; 14,10 40,6 76,0"},
    // curved back
    {6, 6, "44,0 18,22 3,60 10,92 32,99 48,80 38,60 18,64 6,80"},
    // straight back
    {6, 4, "32,0 12,42 4,78 20,100 44,92 48,70 30,58 8,76"},
    // large loop
    {6, 6, "24,0 6,34 0,70 16,98 46,94 60,68 44,48 20,58 8,82"},
    // large loop that ends inside
    {6, 4, "30,0 4,34 2,76 24,100 52,86 54,60 32,52 20,70 30,84"},
    // leaning back
    {6, 4, "8,0 2,32 4,68 24,98 52,90 60,66 44,46 20,58 10,86"},
    // narrow, the loop small
    {6, 2, "20,0 6,40 2,80 14,100 30,88 28,66 12,68 4,86"},
    // plain
    {7, 10, "2,6 28,5 54,4! 36,46 24,100"},
    // with a bar
    {7, 4, "2,6 28,5 54,4! 36,46 24,100; 12,52 36,50 62,48"},
    // with a serif
    {7, 4, "2,22 6,4! 30,5 56,3! 32,50 22,100"},
    // with serif and upright
    {7, 2, "2,34 8,8! 30,6 48,2! 46,50 40,100"},
    // waved top
    {7, 2, "0,14 12,4 32,12 56,2! 40,40 26,100"},
    // from the upper right
    {8, 8, "48,12 28,0 8,14 14,34 40,54 52,78 30,100 6,84 16,58 40,36 50,14"},
    // from the middle
    {8, 4, "30,46 8,28 12,6 32,0 52,14 46,36 14,58 2,80 22,100 50,90 50,64 30,46"},
    // open at the upper right
    {8, 6, "54,16 32,2 8,12 12,34 34,54 40,80 24,100 8,86 18,60 42,36 66,4"},
    // two circles
    {8, 2, "30,0 10,10 8,32 30,44 52,32 50,10 30,0; 30,46 6,58 4,86 30,100 56,86 54,58 30,46"},
    // narrow bottom
    {8, 4, "46,10 24,0 4,16 16,38 32,58 36,84 24,100 12,86 20,62 42,40 52,18 40,4"},
    // straight
    {9, 8, "50,14 28,0 6,14 3,38 22,49 44,36 51,12! 49,55 46,100"},
    // curved
    {9, 4, "50,16 30,0 6,14 6,42 28,50 48,34 52,12 52,50 42,86 16,100 2,92"},
    // leaning, the loop small
    {9, 4, "46,10 28,0 10,14 10,34 26,42 42,28 50,6 46,50 36,100"},
    // in two strokes, the loop open
    {9, 3, "44,3 20,2 3,20 12,44 34,42 50,18; 52,4 50,50 44,100"},
    // the loop begun high on the right
    {9, 2, "60,2 32,2 6,16 10,42 32,46 50,24 56,8! 50,55 40,100"},
    // the loop closed from within
    {9, 2, "46,30 26,50 4,36 12,8 36,0 52,16 50,55 44,100"},
};
// clang-format on

float ReadNumber(const char** text) {
  char* end = nullptr;
  const auto number = static_cast<float>(std::strtol(*text, &end, 10));
  *text = end;
  return number;
}

bool Skip(char expected, const char** text) {
  if (**text != expected) return false;
  ++*text;
  return true;
}

std::vector<Stroke> ReadStrokes(const char* text) {
  std::vector<Stroke> strokes(1);
  while (*text != '\0') {
    StrokePoint point;
    point.x = ReadNumber(&text);
    Skip(',', &text);
    point.y = ReadNumber(&text);
    point.corner = Skip('!', &text);
    strokes.back().push_back(point);
    if (Skip(';', &text)) strokes.emplace_back();
  }
  return strokes;
}

std::vector<std::vector<Variant>> ReadVariants() {
  std::vector<std::vector<Variant>> digits(10);
  for (const Listed& listed : kListed) {
    digits[listed.digit].push_back({listed.weight, ReadStrokes(listed.strokes)});
  }
  return digits;
}

}  // namespace

const std::vector<std::vector<Variant>>& DigitVariants() {
  static const std::vector<std::vector<Variant>> kVariants = ReadVariants();
  return kVariants;
}

}  // namespace lowtropy
