// The manifest's `quantisation` member: JSON <-> Quantisation, and the rules it obeys.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "graph/graph.h"
#include "graph/quantisation.h"

namespace sooner {

// Members in a fixed order, maps in the order of their names.
nlohmann::ordered_json quantisation_to_json(const Quantisation& quantisation);

// Throws kDataLoss for anything missing, unknown, or not of its type and range.
Quantisation quantisation_from_json(const JsonValue& value);

// Throws kInvalidArgument naming the field: an unknown method, no samples, a model hash that is none, a scale that is
// not a usable number or belongs to no map of the graph.
void check_quantisation(const Quantisation& quantisation, const Graph& graph);

}  // namespace sooner
