// Choosing thresholds from a table of every exit's logits.
#pragma once

#include "tune/calibrate.h"
#include "tune/calibration_rule.h"
#include "tune/tables/logit_table.h"
