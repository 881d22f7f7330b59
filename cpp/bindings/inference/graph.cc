// SPDX-License-Identifier: Apache-2.0
#include <emscripten/bind.h>

#include <string>

#include "common/guard.h"
#include "lowtropy/io/describe_graph.h"

namespace lowtropy::bindings {
namespace {

std::string GraphFacts(const std::string& json) { return DescribeGraph(json); }
std::string NodeFacts(const std::string& json) { return DescribeNode(json); }

EMSCRIPTEN_BINDINGS(graph) {
  emscripten::function("describeOperators", Guarded<&DescribeOperators>);
  emscripten::function("describeGraph", Guarded<&GraphFacts>);
  emscripten::function("describeNode", Guarded<&NodeFacts>);
}

}  // namespace
}  // namespace lowtropy::bindings
