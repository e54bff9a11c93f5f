// What answers are worth: accuracy against cost, honesty of probabilities, latency, drift in service.
#pragma once

#include "eval/accuracy_cost_curve.h"
#include "eval/calibration_error.h"
#include "eval/drift.h"
#include "eval/latency_histogram.h"
