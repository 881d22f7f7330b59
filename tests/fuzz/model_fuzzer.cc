// SPDX-License-Identifier: Apache-2.0
// Model files: an input is read as it is, and once more with its length, padding and checksums put
// right, for no mutation would ever guess those. What is read must be written to the same bytes and
// must run. Anything thrown but lowtropy::Error ends the process, and that is a find.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../cpp/forged_model.h"
#include "lowtropy/base/error.h"
#include "run_network.h"

namespace {

using namespace lowtropy;

bool Read(std::string_view file, Network* network) {
  try {
    *network = forged::Read(file);
    return true;
  } catch (const Error& error) {
    if (std::string_view(error.what()).size() < 2) std::abort();
    return false;
  }
}

void Check(std::string_view file) {
  Network network;
  if (!Read(file, &network)) return;
  if (forged::Write(network) != file) std::abort();
  RunNetwork(network);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  Check(file);
  forged::Model model = forged::Split(file);
  forged::FixArrayChecksums(&model);
  Check(forged::Join(model));
  return 0;
}
