// A Graph as JSON and back. docs/model_format.md lists every field.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "graph/graph.h"

namespace sooner {

// Members in a fixed order: the same graph gives the same text.
nlohmann::ordered_json graph_to_json(const Graph& graph);

// Throws kDataLoss naming the member: missing, unknown, of the wrong type, out of range, an operation this version does
// not know. The graph is put together, not yet checked: see check_graph.
Graph graph_from_json(const JsonValue& value);

// validate() (graph/graph.h), and what a file promises beyond it: plain names, none under "sooner.", parameter names
// that differ, an input of at most 65,536 rows and columns. Throws kInvalidArgument.
void check_graph(const Graph& graph);

}  // namespace sooner
