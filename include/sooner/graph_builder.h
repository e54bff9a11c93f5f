// Networks of one's own: node by node, then exits with heads of one's own or by name.
#pragma once

#include "graph/graph_builder.h"
#include "zoo/heads.h"
