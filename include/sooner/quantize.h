// Measuring the scales that int8 needs, on samples and a backend by name.
#pragma once

#include "backend/backend.h"
#include "quantize/measure_scales.h"
