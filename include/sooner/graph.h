// What a network with exits is, its parameters' names and shapes, and what it costs.
#pragma once

#include "graph/cost.h"
#include "graph/graph.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"
#include "graph/validate.h"
