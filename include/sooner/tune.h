// Choosing thresholds from a table of every exit's logits.
#pragma once

#include "policy/calibration_rule.h"
#include "tune/calibrate.h"
#include "tune/tables/logit_table.h"
