// Ready networks by name, and rules that say where exits go.
#pragma once

#include "zoo/placement.h"
#include "zoo/zoo.h"
